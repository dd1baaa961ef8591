//! A WhatsApp number that we drive, and who drives it.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::AccountId;

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
    /// When the phone itself last showed that it is in use.
    pub phone_seen_at: Option<i64>,
    /// When it was last compared with the page, how many messages that found, and how many all comparisons have.
    pub synced_at: Option<i64>,
    pub last_recovered: Option<i64>,
    pub recovered: Option<i64>,
    /// Since when it is being taken away, whether its profile is kept, and when that was done.
    pub removing_at: Option<i64>,
    pub keep_profile: Option<bool>,
    pub removed_at: Option<i64>,
    /// What is to be done about its link to a phone (for a login by code: of which number), and when that was asked for.
    pub wanted: Option<String>,
    pub wanted_phone: Option<String>,
    pub wanted_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
