//! A person who writes to us.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{CustomerId, MediaId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "customers")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: CustomerId,
    pub name: String,
    /// Whether a person gave the name.
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
    /// Who this customer turned out to be.
    #[serde(default)]
    pub merged_into: Option<CustomerId>,
    /// As a person called them.
    #[serde(default)]
    pub given_name: Option<String>,
    /// As the owner's address book has them.
    #[serde(default)]
    pub saved_name: Option<String>,
    /// As they call themself.
    #[serde(default)]
    pub push_name: Option<String>,
    /// When WhatsApp last told another of the two.
    #[serde(default)]
    pub names_told_at: Option<i64>,
    /// Which of them `name` is.
    #[serde(default)]
    pub name_source: Option<String>,
    /// The profile picture that they show.
    #[serde(default)]
    pub photo_id: Option<MediaId>,
    /// Which one that is, in WhatsApp's words.
    #[serde(default)]
    pub photo_tag: Option<String>,
    /// When it is to be looked up again; none: it never was.
    #[serde(default)]
    pub photo_due_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
