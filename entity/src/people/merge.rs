//! Merges of customers, with what each moved.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{CustomerId, MergeId};

/// A row of `merges`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "merges")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: MergeId,
    /// Customer who stays.
    pub customer_id: CustomerId,
    /// Customer who was merged.
    pub merged_customer_id: CustomerId,
    /// Whether WhatsApp reported that the two are one.
    pub automatic: bool,
    /// Person who decided it; `None` for an automatic merge.
    pub made_by: Option<String>,
    /// Facts that an undo needs, as JSON.
    pub moved: String,
    pub created_at: i64,
    /// Time of the undo; `None` while the merge holds.
    pub undone_at: Option<i64>,
    /// Person who undid it.
    pub undone_by: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
