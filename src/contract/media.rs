//! Media: pictures, voice notes, documents.

use serde::{Deserialize, Serialize};

use crate::domain::MediaId;
use crate::domain::media::{Media, MediaState};

/// A file of a message, or one that was uploaded to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaView {
    pub id: MediaId,
    pub state: MediaState,
    /// As its sender says. The type that it is served as follows from its bytes.
    pub mimetype: String,
    /// In bytes; for media that is not stored yet, as WhatsApp says.
    pub size: Option<u64>,
    /// Of the stored bytes, in hexadecimal.
    pub sha256: Option<String>,
    pub filename: Option<String>,
    /// Path at which the API serves its bytes.
    pub url: String,
    /// Why it is not stored.
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
