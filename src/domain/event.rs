//! What happened, as the journal tells it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::account::Account;
use super::conversation::Conversation;
use super::customer::Customer;
use super::merge::{Merged, Parted};
use super::message::Message;
use super::word::words;
use super::{AccountId, ConversationId, CustomerId, Seq, Timestamp};

words! {
    /// The kind of an event. The words are a contract with integrators.
    EventType {
        MessageReceived = "message.received",
        MessageQueued = "message.queued",
        MessageState = "message.state",
        MessageEdited = "message.edited",
        MessageDeleted = "message.deleted",
        MessageReaction = "message.reaction",
        /// Somebody has voted, or voted otherwise.
        MessagePoll = "message.poll",
        MessageMedia = "message.media",
        CustomerCreated = "customer.created",
        CustomerUpdated = "customer.updated",
        CustomerMerged = "customer.merged",
        CustomerUnmerged = "customer.unmerged",
        ConversationRead = "conversation.read",
        ConversationUpdated = "conversation.updated",
        AccountState = "account.state",
        /// There is a new account, or one that was gone is back.
        AccountAdded = "account.added",
        /// An account is gone; what was said through it stays.
        AccountRemoved = "account.removed",
        /// How far the import of the account's history is. Its messages make no events of their own.
        AccountHistory = "account.history",
        /// A comparison with the page has found messages that were missed, or was asked for.
        AccountSynced = "account.synced",
    }
}

/// An event before the journal has given it its number. `data` is a snapshot, complete in itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub kind: EventType,
    pub account_id: Option<AccountId>,
    pub customer_id: Option<CustomerId>,
    pub conversation_id: Option<ConversationId>,
    pub data: Value,
}

impl Event {
    pub fn message(kind: EventType, message: &Message) -> Self {
        Self {
            kind,
            account_id: Some(message.account_id),
            customer_id: message.customer_id,
            conversation_id: Some(message.conversation_id),
            data: snapshot(message),
        }
    }

    pub fn customer(kind: EventType, customer: &Customer) -> Self {
        Self {
            kind,
            account_id: None,
            customer_id: Some(customer.id),
            conversation_id: None,
            data: snapshot(customer),
        }
    }

    pub fn merged(merged: &Merged) -> Self {
        Self {
            kind: EventType::CustomerMerged,
            account_id: None,
            customer_id: Some(merged.customer.id),
            conversation_id: None,
            data: snapshot(merged),
        }
    }

    pub fn parted(parted: &Parted) -> Self {
        Self {
            kind: EventType::CustomerUnmerged,
            account_id: None,
            customer_id: Some(parted.customer.id),
            conversation_id: None,
            data: snapshot(parted),
        }
    }

    pub fn conversation(kind: EventType, conversation: &Conversation) -> Self {
        Self {
            kind,
            account_id: Some(conversation.account_id),
            customer_id: conversation.customer_id,
            conversation_id: Some(conversation.id),
            data: snapshot(conversation),
        }
    }

    pub fn account(account: &Account) -> Self {
        Self {
            kind: EventType::AccountState,
            account_id: Some(account.id),
            customer_id: None,
            conversation_id: None,
            data: snapshot(account),
        }
    }

    /// Something else about an account.
    pub fn of_account(kind: EventType, account: AccountId, data: &impl Serialize) -> Self {
        Self {
            kind,
            account_id: Some(account),
            customer_id: None,
            conversation_id: None,
            data: snapshot(data),
        }
    }
}

/// Our own types have string keys and no failing serialisers, so this cannot fail; were it ever to, the event still says
/// so in place of being lost.
fn snapshot(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_else(|error| Value::String(format!("unwritable: {error}")))
}

/// An event with its number: what `crm tail` prints, one a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JournalEvent {
    pub seq: Seq,
    pub at: Timestamp,
    #[serde(rename = "type")]
    pub kind: EventType,
    pub account_id: Option<AccountId>,
    pub customer_id: Option<CustomerId>,
    pub conversation_id: Option<ConversationId>,
    pub data: Value,
}
