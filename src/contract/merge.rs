//! Merges of two customers, and their undoing.

use serde::{Deserialize, Serialize};

use super::{ConversationView, CustomerView};
use crate::domain::merge::{Joined, Merge, Merged, Parted};
use crate::domain::{AccountId, ConversationId, CustomerId, MergeId, Timestamp};

/// A merge, undone or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeView {
    pub id: MergeId,
    /// The surviving customer.
    pub customer_id: CustomerId,
    pub merged_customer_id: CustomerId,
    /// Whether WhatsApp said that the two are one; otherwise a person did.
    pub automatic: bool,
    pub made_by: Option<String>,
    pub at: Timestamp,
    pub undone_at: Option<Timestamp>,
    pub undone_by: Option<String>,
    pub conversations: Vec<JoinedView>,
}

/// Two conversations of one account that became one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinedView {
    pub account_id: AccountId,
    /// The surviving conversation.
    pub conversation_id: ConversationId,
    pub merged_conversation_id: ConversationId,
}

/// Data of `customer.merged`: everything as it is after the merge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MergedView {
    pub merge_id: MergeId,
    pub automatic: bool,
    /// The surviving customer.
    pub customer: CustomerView,
    pub merged_customer_id: CustomerId,
    /// The customer's conversations.
    pub conversations: Vec<ConversationView>,
    pub joined: Vec<JoinedView>,
}

/// Data of `customer.unmerged`: everything as it is after the merge was undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnmergedView {
    pub merge_id: MergeId,
    /// The customer who had survived.
    pub customer: CustomerView,
    /// The customer who is there again.
    pub restored: CustomerView,
    /// The conversations of both.
    pub conversations: Vec<ConversationView>,
}

/// Asks to merge a customer into the one of the path.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MergeRequest {
    /// The customer who ends in the one of the path.
    pub with: CustomerId,
}

impl From<Merge> for MergeView {
    fn from(merge: Merge) -> Self {
        Self {
            id: merge.id,
            customer_id: merge.customer_id,
            merged_customer_id: merge.merged_customer_id,
            automatic: merge.automatic,
            made_by: merge.made_by,
            at: merge.at,
            undone_at: merge.undone_at,
            undone_by: merge.undone_by,
            conversations: merge.conversations.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Joined> for JoinedView {
    fn from(joined: Joined) -> Self {
        Self {
            account_id: joined.account_id,
            conversation_id: joined.conversation_id,
            merged_conversation_id: joined.merged_conversation_id,
        }
    }
}

impl From<&Merged> for MergedView {
    fn from(merged: &Merged) -> Self {
        Self {
            merge_id: merged.merge_id,
            automatic: merged.automatic,
            customer: (&merged.customer).into(),
            merged_customer_id: merged.merged_customer_id,
            conversations: merged.conversations.iter().map(Into::into).collect(),
            joined: merged.joined.iter().copied().map(Into::into).collect(),
        }
    }
}

impl From<&Parted> for UnmergedView {
    fn from(parted: &Parted) -> Self {
        Self {
            merge_id: parted.merge_id,
            customer: (&parted.customer).into(),
            restored: (&parted.restored).into(),
            conversations: parted.conversations.iter().map(Into::into).collect(),
        }
    }
}
