//! What a message carries besides its text: what is known of it. Its bytes lie in the vault, under their SHA-256.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, MediaId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "media")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: MediaId,
    /// Whose WhatsApp has it; none for what was handed to us to be sent.
    pub account_id: Option<AccountId>,
    pub state: String,
    /// It is to be fetched; otherwise it waits until somebody asks for it.
    pub wanted: bool,
    /// How often fetching it has failed.
    pub attempts: i64,
    pub not_before: i64,
    /// As whoever sent it says.
    pub mimetype: String,
    /// As its bytes say; none where they say nothing.
    pub sniffed: Option<String>,
    pub size: Option<i64>,
    /// Of the bytes that we hold, in hexadecimal: also their name in the vault.
    pub sha256: Option<String>,
    /// Of the bytes that WhatsApp promised.
    pub promised_sha256: Option<String>,
    pub filename: Option<String>,
    /// Why it is not here.
    pub detail: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
