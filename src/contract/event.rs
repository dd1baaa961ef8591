//! Events: what happened, as the journal keeps it and followers are told.

use serde::{Deserialize, Serialize};

use super::{
    AccountView, ConversationView, CustomerView, HistoryView, MergedView, MessageView, RawJson, SyncView, UnmergedView,
};
use crate::domain::account::Account;
use crate::domain::conversation::Conversation;
use crate::domain::customer::Customer;
use crate::domain::history::{History, Synced};
use crate::domain::merge::{Merged, Parted};
use crate::domain::message::Message;
use crate::domain::word::words;
use crate::domain::{AccountId, ConversationId, CustomerId, Seq, Timestamp};

/// Declares the types of events, each with its word and its data, once.
macro_rules! events {
    ($($(#[$doc:meta])* $name:ident($data:ty) = $word:literal),+ $(,)?) => {
        words! {
            /// The type of an event. The words are a contract with integrators.
            EventType { $($(#[$doc])* $name = $word),+ }
        }

        /// The data of an event by its type: a snapshot, complete in itself.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type", content = "data")]
        pub enum EventBody { $($(#[$doc])* #[serde(rename = $word)] $name($data)),+ }

        impl EventBody {
            /// Returns the type of the event.
            pub const fn kind(&self) -> EventType {
                match self { $(Self::$name(_) => EventType::$name),+ }
            }

            /// Writes the data as JSON, as the journal keeps it.
            pub fn data(&self) -> serde_json::Result<RawJson> {
                match self { $(Self::$name(data) => RawJson::of(data)),+ }
            }

            /// Reads the data of an event of the journal.
            pub fn parse(kind: EventType, data: &RawJson) -> serde_json::Result<Self> {
                match kind { $(EventType::$name => data.parse().map(Self::$name)),+ }
            }
        }
    };
}

events! {
    MessageReceived(MessageView) = "message.received",
    MessageQueued(MessageView) = "message.queued",
    /// Also tells for the first time of a message that was written on the account's own phone.
    MessageState(MessageView) = "message.state",
    MessageEdited(MessageView) = "message.edited",
    MessageDeleted(MessageView) = "message.deleted",
    MessageReaction(MessageView) = "message.reaction",
    /// Somebody has voted, or changed their vote.
    MessagePoll(MessageView) = "message.poll",
    MessageMedia(MessageView) = "message.media",
    CustomerCreated(CustomerView) = "customer.created",
    CustomerUpdated(CustomerView) = "customer.updated",
    CustomerMerged(MergedView) = "customer.merged",
    CustomerUnmerged(UnmergedView) = "customer.unmerged",
    ConversationRead(ConversationView) = "conversation.read",
    ConversationUpdated(ConversationView) = "conversation.updated",
    AccountState(AccountView) = "account.state",
    /// There is a new account, or a removed one is back.
    AccountAdded(AccountView) = "account.added",
    /// An account is removed; its conversations and messages stay.
    AccountRemoved(AccountView) = "account.removed",
    /// How far the import of the account's history is. Its messages make no events of their own.
    AccountHistory(HistoryView) = "account.history",
    /// A comparison with WhatsApp has found missed messages, or was asked for.
    AccountSynced(SyncView) = "account.synced",
}

/// An event before the journal has given it its number. Each type is made from its own subject alone, so that no type can go
/// with another's data or columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    account_id: Option<AccountId>,
    customer_id: Option<CustomerId>,
    conversation_id: Option<ConversationId>,
    body: EventBody,
}

impl Event {
    pub fn message_received(message: &Message) -> Self {
        Self::of_message(message, EventBody::MessageReceived)
    }

    pub fn message_queued(message: &Message) -> Self {
        Self::of_message(message, EventBody::MessageQueued)
    }

    pub fn message_state(message: &Message) -> Self {
        Self::of_message(message, EventBody::MessageState)
    }

    pub fn message_edited(message: &Message) -> Self {
        Self::of_message(message, EventBody::MessageEdited)
    }

    pub fn message_deleted(message: &Message) -> Self {
        Self::of_message(message, EventBody::MessageDeleted)
    }

    pub fn message_reaction(message: &Message) -> Self {
        Self::of_message(message, EventBody::MessageReaction)
    }

    pub fn message_poll(message: &Message) -> Self {
        Self::of_message(message, EventBody::MessagePoll)
    }

    pub fn message_media(message: &Message) -> Self {
        Self::of_message(message, EventBody::MessageMedia)
    }

    pub fn customer_created(customer: &Customer) -> Self {
        Self::of_customer(customer.id, EventBody::CustomerCreated(customer.into()))
    }

    pub fn customer_updated(customer: &Customer) -> Self {
        Self::of_customer(customer.id, EventBody::CustomerUpdated(customer.into()))
    }

    pub fn customer_merged(merged: &Merged) -> Self {
        Self::of_customer(merged.customer.id, EventBody::CustomerMerged(merged.into()))
    }

    pub fn customer_unmerged(parted: &Parted) -> Self {
        Self::of_customer(parted.customer.id, EventBody::CustomerUnmerged(parted.into()))
    }

    pub fn conversation_read(conversation: &Conversation) -> Self {
        Self::of_conversation(conversation, EventBody::ConversationRead)
    }

    pub fn conversation_updated(conversation: &Conversation) -> Self {
        Self::of_conversation(conversation, EventBody::ConversationUpdated)
    }

    pub fn account_state(account: &Account) -> Self {
        Self::of_account(account.id, EventBody::AccountState(account.into()))
    }

    pub fn account_added(account: &Account) -> Self {
        Self::of_account(account.id, EventBody::AccountAdded(account.into()))
    }

    pub fn account_removed(account: &Account) -> Self {
        Self::of_account(account.id, EventBody::AccountRemoved(account.into()))
    }

    pub fn account_history(account: AccountId, history: &History) -> Self {
        Self::of_account(account, EventBody::AccountHistory(history.into()))
    }

    pub fn account_synced(account: AccountId, synced: &Synced) -> Self {
        Self::of_account(account, EventBody::AccountSynced(synced.into()))
    }

    fn of_message(message: &Message, body: fn(MessageView) -> EventBody) -> Self {
        Self {
            account_id: Some(message.account_id),
            customer_id: message.customer_id,
            conversation_id: Some(message.conversation_id),
            body: body(message.into()),
        }
    }

    const fn of_customer(customer: CustomerId, body: EventBody) -> Self {
        Self {
            account_id: None,
            customer_id: Some(customer),
            conversation_id: None,
            body,
        }
    }

    fn of_conversation(conversation: &Conversation, body: fn(ConversationView) -> EventBody) -> Self {
        Self {
            account_id: Some(conversation.account_id),
            customer_id: conversation.customer_id,
            conversation_id: Some(conversation.id),
            body: body(conversation.into()),
        }
    }

    const fn of_account(account: AccountId, body: EventBody) -> Self {
        Self {
            account_id: Some(account),
            customer_id: None,
            conversation_id: None,
            body,
        }
    }

    pub const fn kind(&self) -> EventType {
        self.body.kind()
    }

    pub const fn body(&self) -> &EventBody {
        &self.body
    }

    /// The account that it is about; none for a customer, who belongs to no account.
    pub const fn account_id(&self) -> Option<AccountId> {
        self.account_id
    }

    pub const fn customer_id(&self) -> Option<CustomerId> {
        self.customer_id
    }

    pub const fn conversation_id(&self) -> Option<ConversationId> {
        self.conversation_id
    }
}

/// An event of the journal: a line of `crm tail`. Its data is passed on as it was written, whatever the types are by now;
/// [`EventBody::parse`] reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEvent<T = EventType> {
    pub seq: Seq,
    pub at: Timestamp,
    #[serde(rename = "type")]
    pub kind: T,
    pub account_id: Option<AccountId>,
    pub customer_id: Option<CustomerId>,
    pub conversation_id: Option<ConversationId>,
    pub data: RawJson,
}
