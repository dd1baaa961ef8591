//! Small still pictures that came with videos.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::MediaId;

/// A row of `media_previews`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "media_previews")]
pub struct Model {
    /// Medium that it shows; it may be gone already.
    #[sea_orm(primary_key, auto_increment = false)]
    pub media_id: MediaId,
    /// The picture as it came; base64 in backups.
    #[serde(with = "crate::base64")]
    pub bytes: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
