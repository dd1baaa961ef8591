//! Media of messages. The vault holds the bytes, under their SHA-256.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, MediaId, OwnerId, WaMessageId};

/// A row of `media`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "media")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: MediaId,
    /// Account whose WhatsApp has the bytes; `None` for an upload.
    pub account_id: Option<AccountId>,
    /// A word of `MediaState`.
    pub state: String,
    /// Whether it is to be downloaded; otherwise it waits until a person asks for it.
    pub wanted: bool,
    /// How often the download has failed.
    pub attempts: i64,
    /// Time before which it is not downloaded.
    pub not_before: i64,
    /// Media type as the sender states it.
    pub mimetype: String,
    /// Media type found in the bytes; `None` if they show none.
    pub sniffed: Option<String>,
    /// Size in bytes.
    pub size: Option<i64>,
    /// SHA-256 of the stored bytes, in hexadecimal: also their name in the vault.
    pub sha256: Option<String>,
    /// SHA-256 of the bytes as WhatsApp states it, in hexadecimal.
    pub promised_sha256: Option<String>,
    /// Stanza id of the message that carries the bytes; `None`: that of the message that shows them.
    #[serde(default)]
    pub source_id: Option<WaMessageId>,
    /// Medium that it replaces once it is stored.
    #[serde(default)]
    pub upgrades: Option<MediaId>,
    /// Owner who has uploaded it; `None` for a medium of WhatsApp, and in rows older than the column.
    #[serde(default)]
    pub owner_id: Option<OwnerId>,
    /// Name of the file, as the sender gave it.
    pub filename: Option<String>,
    /// Reason for the state, in words.
    pub detail: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
