//! Room events that were taken in. One that comes again is handled no second time.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A row of `taken_events`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "taken_events")]
pub struct Model {
    /// Id of the event.
    #[sea_orm(primary_key, auto_increment = false)]
    pub event_id: String,
    pub taken_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
