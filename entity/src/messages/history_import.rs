//! Progress of the import of each account's history; one row per account.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::AccountId;

/// A row of `history_imports`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "history_imports")]
pub struct Model {
    /// Account whose history is imported.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: AccountId,
    /// Depth: `90d`, `all` or `none`.
    pub depth: String,
    /// A word of `HistoryState`.
    pub state: String,
    /// Time before which nothing is imported; set when the import begins.
    pub since: Option<i64>,
    /// Chats that are planned.
    pub chats_total: i64,
    /// Chats that are imported.
    pub chats_done: i64,
    /// Messages imported.
    pub messages: i64,
    /// Time when the import began.
    pub started_at: Option<i64>,
    /// Time when the import ended.
    pub finished_at: Option<i64>,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
