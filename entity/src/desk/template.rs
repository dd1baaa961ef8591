//! Templates of messages.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{MediaId, TemplateId};

/// A row of `templates`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "templates")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: TemplateId,
    /// Unique name.
    pub name: String,
    /// Text with its placeholders.
    pub body: String,
    /// Its purpose.
    pub description: Option<String>,
    /// Prompted fields, as JSON.
    pub fields: String,
    /// File that is sent with the text.
    pub media_id: Option<MediaId>,
    /// Kind of message as which that file is sent, if it was chosen.
    pub media_kind: Option<String>,
    /// Number of changes, from 1.
    pub revision: i64,
    pub created_at: i64,
    pub updated_at: i64,
    /// Name of the key or agent that created it.
    pub created_by: String,
    /// Name of the key or agent that changed it last.
    pub updated_by: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
