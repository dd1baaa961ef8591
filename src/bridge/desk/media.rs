//! Operations of the desk on media: upload, read, thumbnail, fetch. Bytes go straight to and from the vault, which is
//! storage as the database is; nothing here reaches WhatsApp.

use std::ops::Range;

use futures_util::FutureExt;

use crate::bridge::core::accounts;
use crate::bridge::core::command::{Answered, Idempotency, SendFile, check_key};
use crate::bridge::core::refusal::{Refusal, not_found};
use crate::bridge::media::{Room, attach};
use crate::bridge::outbound::queue::NewFile;
use crate::contract::MediaView;
use crate::domain::media::{FileKind, Media, MediaRules, MediaState, UNKNOWN_TYPE, clean_filename, clean_mimetype};
use crate::domain::{MediaId, OwnerId};
use crate::store::{MediaChange, NewMedia, StoredMedia, Tx};
use crate::vault::{Incoming, Kept, NoThumbnail, Pieces, VaultError};

use super::handle::Desk;
use super::idempotency;

/// HTTP status of the answer to an upload ("created").
const CREATED: u16 = 201;

/// Description of an uploaded file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upload {
    /// Media type that the client states; not trusted.
    pub mimetype: Option<String>,
    /// File name that the client states.
    pub filename: Option<String>,
    /// Owner of the upload.
    pub owner: Option<OwnerId>,
    /// Its `body_hash` is replaced by one that covers the file.
    pub idempotency: Option<Idempotency>,
}

impl From<VaultError> for Refusal {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::TooLarge { max } => Self::FileTooLarge { max },
            VaultError::Missing => Self::Conflict(error.to_string()),
            error if error.is_full() => Self::Full,
            VaultError::Io(error) => {
                tracing::error!("the media folder cannot be used: {error}");
                Self::Unavailable(
                    "the media folder cannot be used; check that it is there and that the server may write to it; \
                     nothing was stored"
                        .to_owned(),
                )
            }
            error => Self::Internal(error.into()),
        }
    }
}

impl Desk {
    /// Returns the free space where media are stored, and how much is kept free.
    pub fn room(&self) -> Room {
        Room::now(&self.core)
    }

    /// Opens a spool file for the bytes of an upload, limited to [`Self::largest_file`]. Refused while there is too little
    /// space.
    pub fn incoming(&self) -> Result<Incoming, Refusal> {
        self.room().check()?;
        Ok(self.core.vault.incoming(self.largest_file())?)
    }

    /// Converts an error of writing an upload's bytes into a refusal.
    pub fn write_error(error: std::io::Error) -> Refusal {
        VaultError::from(error).into()
    }

    /// Returns the upper bound of an upload, in bytes: the largest of all accounts, since the sending account is not
    /// known yet.
    pub fn largest_file(&self) -> u64 {
        let of_each = self.core.policies().map(|policy| policy.media.max.largest());
        of_each.max().unwrap_or_default()
    }

    /// Stores a complete upload in the vault, and its row. Refuses an empty file.
    pub async fn upload(&self, incoming: Incoming, mut upload: Upload) -> Result<Answered<Media>, Refusal> {
        if incoming.size() == 0 {
            return Err(Refusal::EmptyFile);
        }
        check_key(upload.idempotency.as_ref())?;
        let kept = self.core.vault.keep(incoming).await?;
        let new = describe(&kept, &upload);
        if let Some(asked) = &mut upload.idempotency {
            asked.body_hash = fingerprint(&new);
        }
        let uploaded = self
            .core
            .write((new, upload.owner, upload.idempotency), |tx, (new, owner, asked)| {
                async move { take(tx, new, *owner, asked.as_ref()).await }.boxed()
            })
            .await;
        // `Kept` protects the object from the sweep until its row is written.
        drop(kept);
        uploaded
    }

    /// Returns a stored medium. Refused with the reason if its bytes are not here.
    pub async fn stored_medium(&self, id: MediaId) -> Result<StoredMedia, Refusal> {
        let stored = self
            .core
            .store
            .media()
            .get(id)
            .await?
            .ok_or_else(|| not_found("medium", id))?;
        let Media { state, detail, .. } = &stored.media;
        if *state == MediaState::Stored {
            return Ok(stored);
        }
        let why = detail
            .as_deref()
            .unwrap_or("it is being fetched; ask again in a moment");
        Err(Refusal::Conflict(format!("medium {id} is not here ({state}): {why}")))
    }

    /// Returns a range of an object's bytes, in pieces.
    pub async fn read_medium(&self, sha256: &str, range: Range<u64>) -> Result<Pieces, Refusal> {
        Ok(self.core.vault.read(sha256, range).await?)
    }

    /// Returns a JPEG thumbnail of a picture, or of a video that came with a still picture; that one also before the video
    /// is here. Refused if there is none.
    pub async fn thumbnail(&self, id: MediaId) -> Result<Vec<u8>, Refusal> {
        if let Some(preview) = self.core.store.media().preview(id).await? {
            let small = self.core.vault.thumbnail_of(preview).await?;
            return small.map_err(Refusal::NoThumbnail);
        }
        let media = self.stored_medium(id).await?.media;
        let (Some(sha256), Some(size)) = (media.sha256, media.size) else {
            return Err(Refusal::NoThumbnail(NoThumbnail::NoPicture));
        };
        let small = self.core.vault.thumbnail(&sha256, size).await?;
        small.map_err(Refusal::NoThumbnail)
    }

    /// Requests that a medium is fetched from WhatsApp. Returns a stored medium unchanged. Refused if it is too large.
    pub async fn fetch_medium(&self, id: MediaId) -> Result<Media, Refusal> {
        let room = self.room();
        self.core
            .write_with((id, room), |tx, core, (id, room)| {
                async move {
                    let stored = tx.media().get(*id).await?.ok_or_else(|| not_found("medium", *id))?;
                    if stored.media.state == MediaState::Stored {
                        return Ok(stored.media);
                    }
                    room.check()?;
                    let mut max = core.policy.media.max.largest();
                    if let Some(account) = stored.account {
                        if let Some(refusal) = accounts::refusal(tx, account).await? {
                            return Err(refusal);
                        }
                        max = accounts::policy(tx, core, account).await?.media.max.largest();
                    }
                    if let Some(size) = stored.media.size.filter(|size| *size > max) {
                        let why = attach::too_large_for_us(size, max);
                        return Err(Refusal::Conflict(format!("medium {id} is not fetched: {why}")));
                    }
                    attach::change(tx, *id, &MediaChange::Wanted).await?;
                    let stored = tx.media().get(*id).await?.ok_or_else(|| not_found("medium", *id))?;
                    Ok(stored.media)
                }
                .boxed()
            })
            .await
    }
}

/// Returns the file to send and its kind. Refused if the file is not stored, too large, or of a wrong type for the
/// kind.
pub(crate) async fn sendable(tx: &mut Tx, rules: &MediaRules, wanted: &SendFile) -> Result<NewFile, Refusal> {
    let id = wanted.id;
    let StoredMedia { media, sniffed, .. } = tx.media().get(id).await?.ok_or_else(|| not_found("medium", id))?;
    if media.state != MediaState::Stored {
        return Err(Refusal::Conflict(format!(
            "medium {id} is not here ({}), so it cannot be sent",
            media.state
        )));
    }
    let sniffed = sniffed.as_deref();
    let kind = wanted.kind.unwrap_or_else(|| FileKind::of_type(sniffed));
    if !kind.takes(sniffed) {
        let is = sniffed.unwrap_or("of no type that is known");
        return Err(Refusal::WrongFileKind(format!(
            "this file cannot go out as {kind}: it is {is}; send it as a document"
        )));
    }
    let max = rules.max.of(kind);
    if media.size.is_some_and(|size| size > max) {
        return Err(Refusal::FileTooLarge { max });
    }
    Ok(NewFile { media, kind })
}

/// Returns the row of a file that is in the vault.
pub(crate) fn describe(kept: &Kept, upload: &Upload) -> NewMedia {
    let said = upload.mimetype.as_deref().map(clean_mimetype);
    // Clients that do not know the type state a generic one, or that of a form.
    let says_nothing = |said: &String| said == UNKNOWN_TYPE || said.starts_with("application/x-www-form-urlencoded");
    NewMedia {
        account: None,
        state: MediaState::Stored,
        wanted: false,
        mimetype: said
            .filter(|said| !says_nothing(said))
            .or_else(|| kept.sniffed.map(str::to_owned))
            .unwrap_or_else(|| UNKNOWN_TYPE.to_owned()),
        sniffed: kept.sniffed.map(str::to_owned),
        size: Some(kept.size),
        sha256: Some(kept.sha256.clone()),
        promised_sha256: None,
        filename: upload.filename.as_deref().and_then(clean_filename),
        detail: None,
    }
}

/// Returns the SHA-256 of an upload's content hash, type and name: equal for a repeat of the same upload.
fn fingerprint(new: &NewMedia) -> [u8; 32] {
    use sha2::{Digest as _, Sha256};
    let parts = [new.sha256.as_deref(), Some(&new.mimetype), new.filename.as_deref()];
    let mut hash = Sha256::new();
    for part in parts.into_iter().flatten() {
        hash.update(part);
        hash.update([0]);
    }
    hash.finalize().into()
}

async fn take(
    tx: &mut Tx,
    new: &NewMedia,
    owner: Option<OwnerId>,
    asked: Option<&Idempotency>,
) -> Result<Answered<Media>, Refusal> {
    if let Some(stored) = idempotency::earlier(tx, asked).await? {
        return Ok(Answered::Replayed(stored));
    }
    let media = tx.media().insert(new).await?;
    if let Some(owner) = owner {
        tx.media().set_owner(media.id, owner).await?;
    }
    idempotency::store(tx, asked, CREATED, &MediaView::from(media.clone()), None).await?;
    Ok(Answered::New(media))
}
