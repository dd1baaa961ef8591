//! Whether agents let others see what they have read. Unique by agent.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::MatrixUserId;

/// A row of `agent_receipts`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "agent_receipts")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The agent.
    #[sea_orm(unique)]
    pub user_id: MatrixUserId,
    /// Time of their first public receipt; `None`: there was none yet.
    pub first_at: Option<i64>,
    /// Time at which they were told what that means; `None`: not yet.
    pub told_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
