//! Cursors: positions of followers.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A row of `cursors`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "cursors")]
pub struct Model {
    /// Name of the follower.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// Position, in the follower's own format.
    pub value: String,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
