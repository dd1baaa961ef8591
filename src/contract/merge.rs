//! Merges of two customers, and how they are undone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConversationView, CustomerView};
use crate::domain::merge::{Joined, Merge, Merged, Parted};
use crate::domain::{AccountId, ConversationId, CustomerId, MergeId, Timestamp};

/// A merge, undone or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MergeView {
    /// Id of the merge.
    pub id: MergeId,
    /// Surviving customer.
    pub customer_id: CustomerId,
    /// Customer who was merged.
    pub merged_customer_id: CustomerId,
    /// Whether WhatsApp reported that the two are one; otherwise a person decided it.
    pub automatic: bool,
    /// Person who decided it; null for an automatic merge.
    pub made_by: Option<String>,
    /// Time of the merge.
    pub at: Timestamp,
    /// Time of the undo; null while the merge holds.
    pub undone_at: Option<Timestamp>,
    /// Person who undid it.
    pub undone_by: Option<String>,
    /// Conversations that were merged.
    pub conversations: Vec<JoinedView>,
}

/// Two conversations of one account that were merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JoinedView {
    /// Account of both.
    pub account_id: AccountId,
    /// Surviving conversation.
    pub conversation_id: ConversationId,
    /// Conversation that ended.
    pub merged_conversation_id: ConversationId,
}

/// Data of `customer.merged`: the state after the merge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MergedView {
    /// Id of the merge.
    pub merge_id: MergeId,
    /// Whether WhatsApp reported that the two are one.
    pub automatic: bool,
    /// Surviving customer.
    pub customer: CustomerView,
    /// Customer who was merged.
    pub merged_customer_id: CustomerId,
    /// Conversations of the surviving customer.
    pub conversations: Vec<ConversationView>,
    /// Conversations that were merged.
    pub joined: Vec<JoinedView>,
}

/// Data of `customer.unmerged`: the state after the undo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnmergedView {
    /// Id of the merge.
    pub merge_id: MergeId,
    /// Customer who had survived.
    pub customer: CustomerView,
    /// Customer who is restored; null for those who do not see them.
    pub restored: Option<CustomerView>,
    /// Conversations of both.
    pub conversations: Vec<ConversationView>,
}

/// Request to merge a customer into the one of the path.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeRequest {
    /// Customer who is merged into the one of the path.
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
            restored: Some((&parted.restored).into()),
            conversations: parted.conversations.iter().map(Into::into).collect(),
        }
    }
}
