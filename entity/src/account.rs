//! Accounts: WhatsApp numbers that crm drives, and the lease of each.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::AccountId;

/// A row of `accounts`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "accounts")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: AccountId,
    #[sea_orm(unique)]
    pub name: String,
    pub state: String,
    pub detail: Option<String>,
    pub phone: Option<String>,
    pub watermark: Option<i64>,
    pub login: i64,
    pub fence: i64,
    pub folder: Option<String>,
    pub holder: Option<String>,
    /// When the phone itself was last seen in use.
    pub phone_seen_at: Option<i64>,
    /// Time of the last comparison with the page.
    pub synced_at: Option<i64>,
    pub last_recovered: Option<i64>,
    pub recovered: Option<i64>,
    /// Time when its removal began.
    pub removing_at: Option<i64>,
    pub keep_profile: Option<bool>,
    pub removed_at: Option<i64>,
    /// Requested change of its link: a word of `LinkWord`.
    pub wanted: Option<String>,
    pub wanted_phone: Option<String>,
    pub wanted_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
