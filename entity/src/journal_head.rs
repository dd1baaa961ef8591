//! The one row that gives events their numbers.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::Seq;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "journal_head")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    /// The newest event.
    pub seq: Seq,
    /// The newest event that is forgotten.
    pub pruned: Seq,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
