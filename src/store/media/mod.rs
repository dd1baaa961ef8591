//! Media: facts about each medium, and which message carries it. A message's row has a copy of its medium's state, so
//! that a list of messages is one query; both change in one transaction.

pub mod avatars;
mod change;
mod find;
mod previews;

use std::collections::HashSet;

use sea_orm::sea_query::{Expr, ExprTrait, Func, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, EntityTrait};

use entity::{chat_group, customer, media, message, template};

use crate::domain::media::{Media, MediaState, url};
use crate::domain::{AccountId, ChatId, MediaId, Timestamp, WaMessageId, WaUserId};

use super::StoreError;
use super::database::row::word;

/// A medium to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMedia {
    /// Account whose WhatsApp has the bytes; `None` for an upload that is to be sent.
    pub account: Option<AccountId>,
    /// State of the bytes.
    pub state: MediaState,
    /// Whether the bytes are to be downloaded.
    pub wanted: bool,
    /// Media type as the sender or WhatsApp states it.
    pub mimetype: String,
    /// Media type found in the bytes.
    pub sniffed: Option<String>,
    /// Size in bytes.
    pub size: Option<u64>,
    /// SHA-256 of the bytes that we hold, in hexadecimal.
    pub sha256: Option<String>,
    /// SHA-256 of the bytes as WhatsApp states it, in hexadecimal.
    pub promised_sha256: Option<String>,
    /// Name of the file, as the sender gave it.
    pub filename: Option<String>,
    /// Reason for the state, in words.
    pub detail: Option<String>,
}

/// A medium with the facts that the API does not show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMedia {
    /// The medium as the API shows it.
    pub media: Media,
    /// Account whose WhatsApp has the bytes; `None` for an upload.
    pub account: Option<AccountId>,
    /// Media type found in the bytes.
    pub sniffed: Option<String>,
    /// Stanza id of the message that has the bytes, if that is another than the one that shows them.
    pub source: Option<WaMessageId>,
}

/// A second upload of a medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondUpload {
    /// Stanza id of the message that has the bytes.
    pub source: WaMessageId,
    /// Medium that it replaces once it is stored, if there is one.
    pub upgrades: Option<MediaId>,
}

/// A medium that is to be downloaded now, and where WhatsApp has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueMedia {
    /// Id of the medium.
    pub id: MediaId,
    /// How often the download has failed.
    pub attempts: u32,
    /// Size in bytes, as WhatsApp states it.
    pub size: Option<u64>,
    /// SHA-256 of the bytes as WhatsApp states it, in hexadecimal.
    pub promised_sha256: Option<String>,
    /// Chat of the message.
    pub chat: ChatId,
    /// Stanza id of the message that has the bytes.
    pub message: WaMessageId,
    /// Whether we sent that message.
    pub from_me: bool,
    /// Its author, in a group.
    pub sender: Option<WaUserId>,
}

/// Change of a medium's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaChange {
    /// The vault holds the bytes.
    Stored {
        sha256: String,
        size: u64,
        sniffed: Option<String>,
    },
    /// The bytes cannot be had: [`MediaState::Expired`], [`MediaState::Refused`] or [`MediaState::Broken`], and the
    /// reason.
    Lost { state: MediaState, detail: String },
    /// A person asks for the bytes, perhaps again.
    Wanted,
}

fn read(row: media::Model) -> Result<StoredMedia, StoreError> {
    let size = |size: i64| u64::try_from(size).map_err(|_| StoreError::corrupt("media", "a negative size"));
    Ok(StoredMedia {
        media: Media {
            id: row.id,
            state: word("media", &row.state)?,
            mimetype: row.mimetype,
            size: row.size.map(size).transpose()?,
            sha256: row.sha256,
            filename: row.filename,
            url: url(row.id),
            detail: row.detail,
        },
        account: row.account_id,
        sniffed: row.sniffed,
        source: row.source_id,
    })
}

/// SHA-256 hashes of objects in the vault, in hexadecimal.
pub type Hashes = HashSet<String>;

/// Returns the condition for media older than `before` that no message, avatar or template references.
fn unreferenced(before: Timestamp) -> Condition {
    let old = Condition::all()
        .add(media::Column::CreatedAt.lt(before.0))
        .add(Expr::exists(carried()).not());
    let kept = kept().map(Expr::exists);
    kept.into_iter().fold(old, |all, kept| all.add(kept.not()))
}

/// Selects the messages that carry a medium of the outer query, or the one that it will replace.
fn carried() -> SelectStatement {
    let here = Func::coalesce([
        Expr::col((media::Entity, media::Column::Upgrades)),
        Expr::col((media::Entity, media::Column::Id)),
    ]);
    Query::select()
        .expr(Expr::val(1))
        .from(message::Entity)
        .and_where(Expr::col((message::Entity, message::Column::MediaId)).eq(here))
        .take()
}

/// Selects the customers and the groups that show a medium of the outer query as their avatar, and the templates that send
/// it.
fn kept() -> [SelectStatement; 4] {
    [
        pointing_here(customer::Entity, customer::Column::PhotoId),
        pointing_here(customer::Entity, customer::Column::GivenPhotoId),
        pointing_here(chat_group::Entity, chat_group::Column::PhotoId),
        pointing_here(template::Entity, template::Column::MediaId),
    ]
}

fn pointing_here<E: EntityTrait<Column = C>, C: ColumnTrait>(from: E, column: C) -> SelectStatement {
    Query::select()
        .expr(Expr::val(1))
        .from(from)
        .and_where(Expr::col((from, column)).equals((media::Entity, media::Column::Id)))
        .take()
}
