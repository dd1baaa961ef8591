//! Identities by which WhatsApp knows customers; unique by (kind, value) while current.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::CustomerId;

/// A row of `customer_identities`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "customer_identities")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Customer who has the identity, or had it.
    pub customer_id: CustomerId,
    /// A word of `IdentityKind`.
    pub kind: String,
    /// Phone number with `+`, digits of a LID, or username.
    pub value: String,
    /// Time when the customer was first seen with it.
    pub first_seen: i64,
    /// Time when the customer was last seen with it, to the day.
    pub last_seen: i64,
    /// Customer who had it before a merge gave it to another.
    #[serde(default)]
    pub home_id: Option<CustomerId>,
    /// A word of `IdentitySource`; `None` in rows older than the column.
    #[serde(default)]
    pub source: Option<String>,
    /// 0 while it is current, else the row's own id.
    #[serde(default)]
    pub closed: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
