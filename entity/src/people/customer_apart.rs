//! Decisions of people that two customers are different; unique by (first, second), the smaller id first.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::CustomerId;

/// A row of `customers_apart`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "customers_apart")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The customer with the smaller id.
    pub first_id: CustomerId,
    /// The customer with the greater id.
    pub second_id: CustomerId,
    /// Id of the newest identity at the time of the decision: newer identities may lead to a merge.
    pub newest_identity: i64,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
