//! Labels that conversations can have.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::LabelId;

/// A row of `labels`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "labels")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: LabelId,
    pub name: String,
    /// The name in lower case: two labels do not differ by case alone.
    #[sea_orm(unique)]
    pub folded: String,
    /// `#` and six hexadecimal digits.
    pub color: Option<String>,
    pub description: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
