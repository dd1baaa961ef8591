//! The one row from which events get their numbers.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::Seq;

/// The row of `journal_head`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "journal_head")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    /// Number of the newest event.
    pub seq: Seq,
    /// Number of the newest event that was pruned.
    pub pruned: Seq,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
