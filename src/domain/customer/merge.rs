//! That two customers were made one: what everybody outside the store sees of it.

use serde::{Deserialize, Serialize};

use super::Customer;
use crate::domain::conversation::Conversation;
use crate::domain::{AccountId, ConversationId, CustomerId, MergeId, Timestamp};

/// A merge, and its undoing if there was one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    pub id: MergeId,
    /// The one who went on.
    pub customer_id: CustomerId,
    pub merged_customer_id: CustomerId,
    /// WhatsApp told that the two are one; otherwise a person did.
    pub automatic: bool,
    /// Who, if a person did.
    pub made_by: Option<String>,
    pub at: Timestamp,
    pub undone_at: Option<Timestamp>,
    pub undone_by: Option<String>,
    pub conversations: Vec<Joined>,
}

/// Two conversations of one account that became one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    pub account_id: AccountId,
    /// The one that goes on.
    pub conversation_id: ConversationId,
    /// The one that ended in it.
    pub merged_conversation_id: ConversationId,
}

/// What a merge came to, for those who are told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    pub merge: Merge,
    pub merge_id: MergeId,
    pub automatic: bool,
    /// As the customer is now.
    pub customer: Customer,
    pub merged_customer_id: CustomerId,
    /// The customer's conversations as they are now.
    pub conversations: Vec<Conversation>,
    /// Which of them took up which.
    pub joined: Vec<Joined>,
}

/// What the undoing of a merge came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Parted {
    pub merge: Merge,
    pub merge_id: MergeId,
    /// As they are now: the one who went on, and the one who is there again.
    pub customer: Customer,
    pub restored: Customer,
    /// The conversations of both as they are now.
    pub conversations: Vec<Conversation>,
}
