//! Media: images, voice notes, documents.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::MediaId;
use crate::domain::media::{Media, MediaState};

/// A file of a message, or one that was uploaded to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MediaView {
    /// Id of the medium.
    pub id: MediaId,
    /// State of its bytes.
    pub state: MediaState,
    /// Media type as the sender states it. The type that the API serves follows from the bytes.
    pub mimetype: String,
    /// Size in bytes; as WhatsApp states it while the bytes are not stored.
    pub size: Option<u64>,
    /// SHA-256 of the stored bytes, in hexadecimal.
    pub sha256: Option<String>,
    /// Name of the file, as the sender gave it.
    pub filename: Option<String>,
    /// Path at which the API serves its bytes.
    pub url: String,
    /// Reason why it is not stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl From<Media> for MediaView {
    fn from(media: Media) -> Self {
        Self {
            id: media.id,
            state: media.state,
            mimetype: media.mimetype,
            size: media.size,
            sha256: media.sha256,
            filename: media.filename,
            url: media.url,
            detail: media.detail,
        }
    }
}
