//! Customers.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{CustomerId, MediaId};

/// A row of `customers`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "customers")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: CustomerId,
    /// Name that is shown.
    pub name: String,
    /// Whether a person set the name.
    pub named: bool,
    /// Phone number that is shown, with `+`.
    #[sea_orm(unique)]
    pub phone: Option<String>,
    /// A word of the team's own.
    pub status: String,
    /// Address of a picture that a person has set.
    pub photo_url: Option<String>,
    /// Sum over the customer's conversations.
    pub unread_count: i64,
    /// Attributes, as a JSON object.
    pub attributes: String,
    /// Name and phone number in lower case, so that searches work the same in every database.
    pub search: String,
    /// Time of the opt-out.
    pub opted_out_at: Option<i64>,
    /// Word or person by which the customer opted out.
    pub opted_out_by: Option<String>,
    /// Time of the last opt-in: an older opt-out that arrives late does not count.
    pub opted_in_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
    /// Customer who continues this one since a merge.
    #[serde(default)]
    pub merged_into: Option<CustomerId>,
    /// Name that a person set.
    #[serde(default)]
    pub given_name: Option<String>,
    /// Name in the address book of the account's phone.
    #[serde(default)]
    pub saved_name: Option<String>,
    /// Name that the customer has chosen.
    #[serde(default)]
    pub push_name: Option<String>,
    /// Time when WhatsApp last reported a change of these two names.
    #[serde(default)]
    pub names_told_at: Option<i64>,
    /// Source of `name`: a word of `NameSource`.
    #[serde(default)]
    pub name_source: Option<String>,
    /// Medium of the avatar.
    #[serde(default)]
    pub photo_id: Option<MediaId>,
    /// WhatsApp's tag of the avatar.
    #[serde(default)]
    pub photo_tag: Option<String>,
    /// Time of the next lookup; `None` means that it was never looked up.
    #[serde(default)]
    pub photo_due_at: Option<i64>,
    /// Medium of the picture that a person or program has set; it goes before the avatar.
    #[serde(default)]
    pub given_photo_id: Option<MediaId>,
    /// Names of their labels, as a JSON list: a copy.
    #[serde(default)]
    pub labels: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
