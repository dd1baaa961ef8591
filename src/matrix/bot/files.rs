//! Upload of files: as they are, or encrypted with a key of their own where the room is.

use std::io::Cursor;

use matrix_sdk::config::RequestConfig;
use matrix_sdk::ruma::RoomId;
use matrix_sdk::{Client, Room};
use serde_json::{Value, json};

use super::send::joined;
use crate::domain::matrix::RoomFile;
use crate::matrix::connection::UPLOAD_TIMEOUT;
use crate::matrix::rooms::{read_file, upload_request};
use crate::matrix::wire::Fault;

/// Reference to an uploaded file in an event's content.
struct Source {
    /// Field of the content: `url` or `file`.
    field: &'static str,
    /// Value of that field.
    value: Value,
}

/// References to an uploaded file and to its thumbnail.
pub(super) struct Uploaded {
    whole: Source,
    small: Option<Source>,
}

impl Uploaded {
    /// Puts the references into the content of the file's event.
    pub(super) fn put_into(self, content: &mut Value) {
        content[self.whole.field] = self.whole.value;
        if let Some(small) = self.small {
            content["info"][format!("thumbnail_{}", small.field)] = small.value;
        }
    }
}

/// Uploads a file for a room, with its thumbnail.
///
/// # Errors
/// `Refused` when the file cannot be read, or is larger than the homeserver takes.
pub(super) async fn upload(client: &Client, room: &RoomId, file: &RoomFile) -> Result<Uploaded, Fault> {
    let room = joined(client, room).await?;
    let bytes = read_file(&file.path, &file.name).await?;
    let whole = put(client, &room, bytes, (&file.mimetype, Some(&file.name))).await?;
    let small = match &file.thumbnail {
        Some(small) => Some(put(client, &room, small.bytes.clone(), ("image/jpeg", None)).await?),
        None => None,
    };
    Ok(Uploaded { whole, small })
}

async fn put(
    client: &Client,
    room: &Room,
    bytes: Vec<u8>,
    (mimetype, name): (&str, Option<&str>),
) -> Result<Source, Fault> {
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
    let request = upload_request(bytes, mimetype, name);
    let config = RequestConfig::new().disable_retry().timeout(UPLOAD_TIMEOUT);
    let uploaded = client.send(request).with_request_config(config).await?;
    Ok(Source {
        field: "url",
        value: json!(uploaded.content_uri),
    })
}
