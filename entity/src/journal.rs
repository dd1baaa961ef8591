//! Events of the journal.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, ConversationId, CustomerId, Seq};

/// A row of `journal`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "journal")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: Seq,
    pub at: i64,
    pub kind: String,
    pub account_id: Option<AccountId>,
    pub customer_id: Option<CustomerId>,
    pub conversation_id: Option<ConversationId>,
    /// Data of the event, as JSON: a snapshot.
    pub data: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
