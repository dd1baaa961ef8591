//! A person who writes to us.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::CustomerId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "customers")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: CustomerId,
    pub name: String,
    /// Whether a person gave the name: then WhatsApp's names leave it alone.
    pub named: bool,
    #[sea_orm(unique)]
    pub phone: Option<String>,
    pub status: String,
    pub photo_url: Option<String>,
    pub unread_count: i64,
    /// A JSON object.
    pub attributes: String,
    /// Name and number in lower case, for finding them alike in every database.
    pub search: String,
    pub opted_out_at: Option<i64>,
    pub opted_out_by: Option<String>,
    /// When an opt-out was last taken back: an older one that comes late does not count.
    pub opted_in_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
