//! Two customers of whom a person has said that they are two; unique by (first, second), the smaller id first.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::CustomerId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "customers_apart")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub first_id: CustomerId,
    pub second_id: CustomerId,
    /// The newest identity that was known then: what WhatsApp tells of later ones is news.
    pub newest_identity: i64,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
