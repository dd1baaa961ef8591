//! The audit log: who did what to what.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A row of `audit`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Time of the action.
    pub at: i64,
    /// Key or person that did it.
    pub actor: String,
    /// Name of the action.
    pub action: String,
    /// Thing that the action was done to.
    pub subject: String,
    /// Further facts, as JSON.
    pub detail: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
