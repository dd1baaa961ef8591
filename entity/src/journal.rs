//! Events of the journal.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, ConversationId, CustomerId, MessageId, Seq};

/// A row of `journal`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "journal")]
pub struct Model {
    /// Number of the event.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: Seq,
    /// Time of the event.
    pub at: i64,
    /// A word of `EventType`.
    pub kind: String,
    /// Account of the event, if it has one.
    pub account_id: Option<AccountId>,
    /// Customer of the event, if it has one.
    pub customer_id: Option<CustomerId>,
    /// Conversation of the event, if it has one.
    pub conversation_id: Option<ConversationId>,
    /// Message of the event, if it is about one.
    #[serde(default)]
    pub message_id: Option<MessageId>,
    /// Data of the event, as JSON: a snapshot.
    pub data: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
