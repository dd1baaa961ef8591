//! Upload of files: as they are, or encrypted with a key of their own where the room is.

use std::io::Cursor;
use std::time::Duration;

use matrix_sdk::Client;
use matrix_sdk::config::RequestConfig;
use matrix_sdk::ruma::RoomId;
use matrix_sdk::ruma::api::client::media::create_content;
use serde_json::{Value, json};

use super::send::joined;
use crate::domain::matrix::RoomFile;
use crate::matrix::wire::Fault;

/// Deadline of a file's upload.
pub(super) const UPLOAD_TIMEOUT: Duration = Duration::from_mins(5);

/// Reference to an uploaded file in an event's content.
pub(super) struct Source {
    /// Field of the content: `url` or `file`.
    pub(super) field: &'static str,
    /// Value of that field.
    pub(super) value: Value,
}

/// Uploads a file for a room.
///
/// # Errors
/// `Refused` when the file cannot be read, or is larger than the homeserver takes.
pub(super) async fn upload(client: &Client, room: &RoomId, file: &RoomFile) -> Result<Source, Fault> {
    let room = joined(client, room).await?;
    let bytes = tokio::fs::read(&file.path).await;
    let bytes = bytes.map_err(|error| Fault::Refused(format!("the file {} cannot be read: {error}", file.name)))?;
    if room.latest_encryption_state().await?.is_encrypted() {
        let config = RequestConfig::new().disable_retry().timeout(UPLOAD_TIMEOUT);
        let mut reader = Cursor::new(bytes);
        let uploaded = client
            .upload_encrypted_file(&mut reader)
            .with_request_config(config)
            .await?;
        return Ok(Source {
            field: "file",
            value: serde_json::to_value(uploaded)?,
        });
    }
    let mut request = create_content::v3::Request::new(bytes);
    request.content_type = Some(file.mimetype.clone());
    request.filename = Some(file.name.clone());
    let config = RequestConfig::new().disable_retry().timeout(UPLOAD_TIMEOUT);
    let uploaded = client.send(request).with_request_config(config).await?;
    Ok(Source {
        field: "url",
        value: json!(uploaded.content_uri),
    })
}
