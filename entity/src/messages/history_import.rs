//! How far the import of an account's history is; one row an account.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::AccountId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "history_imports")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: AccountId,
    /// How deep: `90d`, `all` or `none`.
    pub depth: String,
    pub state: String,
    /// Nothing older than this is imported; set when the import begins.
    pub since: Option<i64>,
    pub chats_total: i64,
    pub chats_done: i64,
    /// Messages that were new.
    pub messages: i64,
    pub started_at: Option<i64>,
    pub finished_at: Option<i64>,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
