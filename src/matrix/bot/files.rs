//! Upload of files: as they are, or encrypted with a key of their own where the room is.

use std::io::Cursor;

use matrix_sdk::Client;
use matrix_sdk::config::RequestConfig;
use matrix_sdk::ruma::RoomId;
use serde_json::{Value, json};

use super::send::joined;
use crate::domain::matrix::RoomFile;
use crate::matrix::connection::UPLOAD_TIMEOUT;
use crate::matrix::rooms::{read_file, upload_request};
use crate::matrix::wire::Fault;

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
    let bytes = read_file(&file.path, &file.name).await?;
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
    let request = upload_request(bytes, &file.mimetype, Some(&file.name));
    let config = RequestConfig::new().disable_retry().timeout(UPLOAD_TIMEOUT);
    let uploaded = client.send(request).with_request_config(config).await?;
    Ok(Source {
        field: "url",
        value: json!(uploaded.content_uri),
    })
}
