//! Small pictures beside large ones, so that a client's list needs not fetch the whole file.

use crate::bridge::rooms::relay::RoomRelay;
use crate::domain::matrix::{RoomFile, Thumbnail};
use crate::domain::media::FileKind;
use crate::domain::message::Message;
use crate::vault::Vault;

/// Size of an image from which a thumbnail is worth its upload, in bytes.
const WORTH_IT: u64 = 64 << 10;
/// Largest thumbnail that is sent, in bytes; one of 320 pixels a side has a tenth of it.
const MAX_BYTES: usize = 256 << 10;

impl RoomRelay {
    /// Returns the file of a message with a thumbnail, if it is an image that is worth one. An image that cannot be read is
    /// shown without.
    pub(in crate::bridge::rooms) async fn with_thumbnail(&self, message: &Message, file: RoomFile) -> RoomFile {
        let sha256 = message.media.as_ref().and_then(|media| media.sha256.as_deref());
        let (FileKind::Image, Some(sha256), WORTH_IT..) = (file.kind, sha256, file.size) else {
            return file;
        };
        let made = match self.core.vault.thumbnail(sha256, file.size).await {
            Ok(Ok(bytes)) if bytes.len() <= MAX_BYTES => {
                Vault::pixels(&bytes).map(|pixels| Thumbnail { bytes, pixels })
            }
            Ok(_) => None,
            Err(error) => {
                tracing::debug!(message = %message.id, "no thumbnail: {error}");
                None
            }
        };
        RoomFile {
            thumbnail: made,
            ..file
        }
    }
}
