//! Which customer has which label.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{CustomerId, LabelId};

/// A row of `customer_labels`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "customer_labels")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub customer_id: CustomerId,
    /// Customer on whom it was put, whoever has it since a merge.
    pub home_id: CustomerId,
    pub label_id: LabelId,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
