//! Small pictures beside large ones and beside videos, so that a client's list needs not fetch the whole file.

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
    /// Returns the file of a message with a thumbnail: of an image that is worth one, and of a video that came with a still
    /// picture. One that cannot be read is left out.
    pub(in crate::bridge::rooms) async fn with_thumbnail(&self, message: &Message, file: RoomFile) -> RoomFile {
        let thumbnail = match self.thumbnail(message, &file).await {
            Ok(made) => made.filter(|bytes| bytes.len() <= MAX_BYTES),
            Err(error) => {
                tracing::debug!(message = %message.id, "no thumbnail: {error}");
                None
            }
        };
        let thumbnail = thumbnail.and_then(|bytes| Vault::pixels(&bytes).map(|pixels| Thumbnail { bytes, pixels }));
        RoomFile { thumbnail, ..file }
    }

    async fn thumbnail(&self, message: &Message, file: &RoomFile) -> anyhow::Result<Option<Vec<u8>>> {
        let (Some(media), vault) = (&message.media, &self.core.vault) else {
            return Ok(None);
        };
        let made = match (file.kind, &media.sha256) {
            (FileKind::Image, Some(sha256)) if file.size >= WORTH_IT => vault.thumbnail(sha256, file.size).await?,
            (FileKind::Video | FileKind::Gif, _) => match self.core.store.media().preview(media.id).await? {
                Some(preview) => vault.thumbnail_of(preview).await?,
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        Ok(made.ok())
    }
}
