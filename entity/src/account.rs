//! Accounts: WhatsApp numbers that crm drives, and the lease of each.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::AccountId;

/// A row of `accounts`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "accounts")]
pub struct Model {
    /// Id of the account.
    #[sea_orm(primary_key)]
    pub id: AccountId,
    /// Name of the account.
    #[sea_orm(unique)]
    pub name: String,
    /// State of its session: a word of `SessionState`.
    pub state: String,
    /// Meaning of the state and what to do.
    pub detail: Option<String>,
    /// Number that the account is bound to, with `+`.
    pub phone: Option<String>,
    /// Time of the first login: older messages are history.
    pub watermark: Option<i64>,
    /// Number of the present link of the device.
    pub login: i64,
    /// Number of the present lease.
    pub fence: i64,
    /// Profile folder that the account belongs to; `None` when it is released.
    pub folder: Option<String>,
    /// Process that holds the lease, or held it last, for people to read.
    pub holder: Option<String>,
    /// When the phone itself was last seen in use.
    pub phone_seen_at: Option<i64>,
    /// Time of the last comparison with the page.
    pub synced_at: Option<i64>,
    /// Missed messages that the last comparison found.
    pub last_recovered: Option<i64>,
    /// Missed messages that all comparisons found.
    pub recovered: Option<i64>,
    /// Time when its removal began.
    pub removing_at: Option<i64>,
    /// Whether the browser profile is kept on removal.
    pub keep_profile: Option<bool>,
    /// Time when its removal ended.
    pub removed_at: Option<i64>,
    /// Requested change of its link: a word of `LinkWord`.
    pub wanted: Option<String>,
    /// Phone number for a login with a pairing code.
    pub wanted_phone: Option<String>,
    /// Time of the last request, also after it is done.
    pub wanted_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
    /// A word of `AccountKind`; `None`: `web`.
    #[serde(default)]
    pub kind: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
