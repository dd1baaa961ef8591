//! Media: what is known of each, and which message carries it. A message's row has a copy of how its medium stands, so that a
//! list of messages is one query; both change in one transaction.

pub mod avatars;
mod change;
mod find;

use std::collections::HashSet;

use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ColumnTrait, EntityTrait};

use entity::{chat_group, customer, media, message};

use crate::domain::media::{Media, MediaState, url};
use crate::domain::{AccountId, ChatId, MediaId, WaMessageId};

use super::StoreError;
use super::database::row::word;

/// A medium to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMedia {
    /// Whose WhatsApp has it; none for what was handed to us to be sent.
    pub account: Option<AccountId>,
    pub state: MediaState,
    /// It is to be fetched.
    pub wanted: bool,
    pub mimetype: String,
    pub sniffed: Option<String>,
    pub size: Option<u64>,
    pub sha256: Option<String>,
    /// What WhatsApp says that its bytes' hash is.
    pub promised_sha256: Option<String>,
    pub filename: Option<String>,
    pub detail: Option<String>,
}

/// A medium with what only we need to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMedia {
    pub media: Media,
    pub account: Option<AccountId>,
    /// What its bytes say it is.
    pub sniffed: Option<String>,
}

/// A medium that is to be fetched now, and where WhatsApp has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueMedia {
    pub id: MediaId,
    /// How often it has failed.
    pub attempts: u32,
    pub size: Option<u64>,
    pub promised_sha256: Option<String>,
    pub chat: ChatId,
    pub message: WaMessageId,
    pub from_me: bool,
}

/// What has become of a medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaChange {
    /// We hold it.
    Stored {
        sha256: String,
        size: u64,
        sniffed: Option<String>,
    },
    /// It is not to be had: [`MediaState::Expired`], [`MediaState::Refused`] or [`MediaState::Broken`], and why.
    Lost { state: MediaState, detail: String },
    /// Somebody asks for it, again perhaps.
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
    })
}

/// The hashes of objects.
pub type Hashes = HashSet<String>;

/// The messages that carry a medium (of the query around).
fn carried() -> SelectStatement {
    pointing_here(message::Entity, message::Column::MediaId)
}

/// The customers and groups that show a medium (of the query around) as their picture.
fn shown() -> [SelectStatement; 2] {
    [
        pointing_here(customer::Entity, customer::Column::PhotoId),
        pointing_here(chat_group::Entity, chat_group::Column::PhotoId),
    ]
}

fn pointing_here<E: EntityTrait<Column = C>, C: ColumnTrait>(from: E, column: C) -> SelectStatement {
    Query::select()
        .expr(Expr::val(1))
        .from(from)
        .and_where(Expr::col((from, column)).equals((media::Entity, media::Column::Id)))
        .take()
}
