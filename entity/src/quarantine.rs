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
    /// `whatsapp` or `matrix`.
    pub source: String,
    /// Account that it came for, if any.
    pub account_id: Option<AccountId>,
    /// The input, byte for byte; base64 in backups.
    #[serde(with = "crate::base64")]
    pub bytes: Vec<u8>,
    /// Reason why it could not be stored.
    pub error: String,
    /// SHA-256 over source, account and bytes, in hexadecimal.
    #[sea_orm(unique)]
    pub fingerprint: String,
    /// How often the same bytes came.
    pub times: i64,
    /// Time when they first came.
    pub first_seen: i64,
    /// Time when they last came.
    pub last_seen: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
