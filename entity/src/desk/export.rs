//! Exports that are written to a file.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, ConversationId, CustomerId, ExportId, OwnerId};

/// A row of `exports`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "exports")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: ExportId,
    pub owner_id: OwnerId,
    pub asked_by: String,
    /// `messages` or `customers`.
    pub what: String,
    /// `ndjson` or `csv`.
    pub format: String,
    pub account_id: Option<AccountId>,
    pub customer_id: Option<CustomerId>,
    pub conversation_id: Option<ConversationId>,
    pub from_at: Option<i64>,
    pub until_at: Option<i64>,
    /// JSON: the accounts that the one who asked saw; null: all.
    pub accounts: Option<String>,
    pub hides_numbers: bool,
    /// `queued`, `running`, `done`, `failed` or `cancelled`.
    pub state: String,
    pub row_count: i64,
    pub byte_count: i64,
    pub sha256: Option<String>,
    /// The file's name in the vault while it is there.
    pub object: Option<String>,
    pub failure: Option<String>,
    pub attempts: i64,
    /// Until when the process that runs it has it for itself.
    pub lease_until: Option<i64>,
    pub created_at: i64,
    pub started_at: Option<i64>,
    pub finished_at: Option<i64>,
    pub expires_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
