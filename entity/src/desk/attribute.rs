//! Definitions of customers' attributes.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::AttributeId;

/// A row of `attributes`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "attributes")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: AttributeId,
    #[sea_orm(unique)]
    pub name: String,
    /// `text`, `number`, `boolean`, `date`, `url` or `choice`.
    pub kind: String,
    /// JSON: the list of values that a choice takes; null for other kinds.
    pub choices: Option<String>,
    pub description: Option<String>,
    /// Number of changes, from 1.
    pub revision: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
