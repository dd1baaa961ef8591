//! Merges of customers, as all modules outside the store see them.

use serde::{Deserialize, Serialize};

use super::Customer;
use crate::domain::conversation::Conversation;
use crate::domain::{AccountId, ConversationId, CustomerId, MergeId, MessageId, Timestamp};

/// A merge, and its undo if there was one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// Id of the merge.
    pub id: MergeId,
    /// Customer who stays.
    pub customer_id: CustomerId,
    /// Customer who was merged.
    pub merged_customer_id: CustomerId,
    /// Whether WhatsApp reported that the two are one; otherwise a person decided it.
    pub automatic: bool,
    /// Person who decided it; `None` for an automatic merge.
    pub made_by: Option<String>,
    /// Time of the merge.
    pub at: Timestamp,
    /// Time of the undo; `None` while the merge holds.
    pub undone_at: Option<Timestamp>,
    /// Person who undid it.
    pub undone_by: Option<String>,
    /// Conversations that were merged.
    pub conversations: Vec<Joined>,
}

/// Two conversations of one account that were merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// Account of both.
    pub account_id: AccountId,
    /// Conversation that stays.
    pub conversation_id: ConversationId,
    /// Conversation that ended.
    pub merged_conversation_id: ConversationId,
}

/// Report of a merge, for the journal and the rooms.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// The merge.
    pub merge: Merge,
    /// Id of the merge.
    pub merge_id: MergeId,
    /// Whether WhatsApp reported that the two are one.
    pub automatic: bool,
    /// Customer who stays, after the merge.
    pub customer: Customer,
    /// Customer who was merged.
    pub merged_customer_id: CustomerId,
    /// The customer's conversations after the merge.
    pub conversations: Vec<Conversation>,
    /// Conversations that were merged.
    pub joined: Vec<Joined>,
}

/// Report of an undone merge.
#[derive(Clone, Debug, PartialEq)]
pub struct Parted {
    /// The merge.
    pub merge: Merge,
    /// Id of the merge.
    pub merge_id: MergeId,
    /// Customer who stayed, after the undo.
    pub customer: Customer,
    /// Customer who was restored.
    pub restored: Customer,
    /// Conversations of both after the undo.
    pub conversations: Vec<Conversation>,
    /// Customer who is opted out by the undo.
    pub opted_out: Option<CustomerId>,
    /// Messages that are not handed over and may be for either of the two.
    pub for_either: Vec<MessageId>,
}
