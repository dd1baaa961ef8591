//! The quarantine: input from outside that could not be stored.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, QuarantineId};

/// A row of `quarantine`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "quarantine")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: QuarantineId,
    pub source: String,
    pub account_id: Option<AccountId>,
    #[serde(with = "crate::base64")]
    pub bytes: Vec<u8>,
    pub error: String,
    /// SHA-256 over source, account and bytes, in hexadecimal.
    #[sea_orm(unique)]
    pub fingerprint: String,
    pub times: i64,
    pub first_seen: i64,
    pub last_seen: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
