//! Events of the journal, as followers receive them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AccountView, AgentView, AttributeView, ConversationView, CustomerView, ExportView, HistoryView, LabelView,
    MergedView, MessageView, NoteView, RawJson, SyncView, TemplateView, UnmergedView,
};
use crate::domain::account::Account;
use crate::domain::agent::Agent;
use crate::domain::attribute::Attribute;
use crate::domain::conversation::Conversation;
use crate::domain::customer::Customer;
use crate::domain::export::ExportJob;
use crate::domain::history::{History, Synced};
use crate::domain::label::Label;
use crate::domain::merge::{Merged, Parted};
use crate::domain::message::Message;
use crate::domain::note::Note;
use crate::domain::template::Template;
use crate::domain::word::words;
use crate::domain::{AccountId, ConversationId, CustomerId, MessageId, Seq, Timestamp};

/// Declares the types of events, each once with its word and its data.
macro_rules! events {
    ($($(#[$doc:meta])* $name:ident($data:ty) = $word:literal),+ $(,)?) => {
        words! {
            /// Type of an event. The words are a contract with integrators.
            EventType { $($(#[$doc])* $name = $word),+ }
        }

        /// Data of an event by its type: a snapshot, complete in itself.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "type", content = "data")]
        pub enum EventBody { $($(#[$doc])* #[serde(rename = $word)] $name($data)),+ }

        impl EventBody {
            /// Returns the type of the event.
            pub const fn kind(&self) -> EventType {
                match self { $(Self::$name(_) => EventType::$name),+ }
            }

            /// Returns the data as JSON, as the journal stores it.
            pub fn data(&self) -> serde_json::Result<RawJson> {
                match self { $(Self::$name(data) => RawJson::of(data)),+ }
            }

            /// Parses the data of an event of the journal.
            pub fn parse(kind: EventType, data: &RawJson) -> serde_json::Result<Self> {
                match kind { $(EventType::$name => data.parse().map(Self::$name)),+ }
            }
        }
    };
}

events! {
    /// A customer wrote a message.
    MessageReceived(MessageView) = "message.received",
    /// A message was accepted for sending.
    MessageQueued(MessageView) = "message.queued",
    /// A message was accepted for a later time, or got another one.
    MessageScheduled(MessageView) = "message.scheduled",
    /// A message that waits is held for a person.
    MessageHeld(MessageView) = "message.held",
    /// The state of a message changed. Also the first event of a message that was written on the account's own phone.
    MessageState(MessageView) = "message.state",
    /// The text of a message was edited.
    MessageEdited(MessageView) = "message.edited",
    /// A message was deleted for everyone, or disappeared.
    MessageDeleted(MessageView) = "message.deleted",
    /// The reactions to a message changed.
    MessageReaction(MessageView) = "message.reaction",
    /// The votes of a poll changed.
    MessagePoll(MessageView) = "message.poll",
    /// The state of a message's medium changed.
    MessageMedia(MessageView) = "message.media",
    /// A customer was created.
    CustomerCreated(CustomerView) = "customer.created",
    /// A customer changed.
    CustomerUpdated(CustomerView) = "customer.updated",
    /// Two customers were merged.
    CustomerMerged(MergedView) = "customer.merged",
    /// A merge was undone.
    CustomerUnmerged(UnmergedView) = "customer.unmerged",
    /// A conversation was read.
    ConversationRead(ConversationView) = "conversation.read",
    /// A conversation changed.
    ConversationUpdated(ConversationView) = "conversation.updated",
    /// A conversation was given to an agent, or to nobody.
    ConversationAssigned(ConversationView) = "conversation.assigned",
    /// A colleague wrote a note about a conversation.
    NoteCreated(NoteView) = "note.created",
    /// A note was deleted.
    NoteDeleted(NoteView) = "note.deleted",
    /// A label was created.
    LabelCreated(LabelView) = "label.created",
    /// A label changed.
    LabelUpdated(LabelView) = "label.updated",
    /// A label was deleted.
    LabelDeleted(LabelView) = "label.deleted",
    /// An attribute of customers was defined.
    AttributeCreated(AttributeView) = "attribute.created",
    /// The definition of an attribute changed.
    AttributeUpdated(AttributeView) = "attribute.updated",
    /// The definition of an attribute was deleted; customers keep their values.
    AttributeDeleted(AttributeView) = "attribute.deleted",
    /// The state of an export that is written to a file changed.
    ExportState(ExportView) = "export.state",
    /// The state of an account's session changed.
    AccountState(AccountView) = "account.state",
    /// An account was added, or a removed one was restored.
    AccountAdded(AccountView) = "account.added",
    /// An account was removed; its conversations and messages stay.
    AccountRemoved(AccountView) = "account.removed",
    /// The import of an account's history made progress. The imported messages create no events.
    AccountHistory(HistoryView) = "account.history",
    /// A comparison with WhatsApp found missed messages, or was requested.
    AccountSynced(SyncView) = "account.synced",
    /// An agent was added.
    AgentCreated(AgentView) = "agent.created",
    /// An agent changed, or was deactivated or activated.
    AgentUpdated(AgentView) = "agent.updated",
    /// A template was created.
    TemplateCreated(TemplateView) = "template.created",
    /// A template changed.
    TemplateUpdated(TemplateView) = "template.updated",
    /// A template was deleted.
    TemplateDeleted(TemplateView) = "template.deleted",
}

/// An event that has no number of the journal yet. Each type is created from its own subject, so that type, data and
/// columns always fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    account_id: Option<AccountId>,
    customer_id: Option<CustomerId>,
    conversation_id: Option<ConversationId>,
    body: EventBody,
}

impl Event {
    /// Creates `message.received`.
    pub fn message_received(message: &Message) -> Self {
        Self::of_message(message, EventBody::MessageReceived)
    }

    /// Creates `message.queued`.
    pub fn message_queued(message: &Message) -> Self {
        Self::of_message(message, EventBody::MessageQueued)
    }

    /// Creates `message.scheduled`.
    pub fn message_scheduled(message: &Message) -> Self {
        Self::of_message(message, EventBody::MessageScheduled)
    }

    /// Creates `message.held`.
    pub fn message_held(message: &Message) -> Self {
        Self::of_message(message, EventBody::MessageHeld)
    }

    /// Creates `message.state`.
    pub fn message_state(message: &Message) -> Self {
        Self::of_message(message, EventBody::MessageState)
    }

    /// Creates `message.edited`.
    pub fn message_edited(message: &Message) -> Self {
        Self::of_message(message, EventBody::MessageEdited)
    }

    /// Creates `message.deleted`.
    pub fn message_deleted(message: &Message) -> Self {
        Self::of_message(message, EventBody::MessageDeleted)
    }

    /// Creates `message.reaction`.
    pub fn message_reaction(message: &Message) -> Self {
        Self::of_message(message, EventBody::MessageReaction)
    }

    /// Creates `message.poll`.
    pub fn message_poll(message: &Message) -> Self {
        Self::of_message(message, EventBody::MessagePoll)
    }

    /// Creates `message.media`.
    pub fn message_media(message: &Message) -> Self {
        Self::of_message(message, EventBody::MessageMedia)
    }

    /// Creates `customer.created`.
    pub fn customer_created(customer: &Customer) -> Self {
        Self::of_customer(customer.id, EventBody::CustomerCreated(customer.into()))
    }

    /// Creates `customer.updated`.
    pub fn customer_updated(customer: &Customer) -> Self {
        Self::of_customer(customer.id, EventBody::CustomerUpdated(customer.into()))
    }

    /// Creates `customer.merged`, an event of the surviving customer.
    pub fn customer_merged(merged: &Merged) -> Self {
        Self::of_customer(merged.customer.id, EventBody::CustomerMerged(merged.into()))
    }

    /// Creates `customer.unmerged`, an event of the customer who had survived.
    pub fn customer_unmerged(parted: &Parted) -> Self {
        Self::of_customer(parted.customer.id, EventBody::CustomerUnmerged(parted.into()))
    }

    /// Creates `conversation.read`.
    pub fn conversation_read(conversation: &Conversation) -> Self {
        Self::of_conversation(conversation, EventBody::ConversationRead)
    }

    /// Creates `conversation.updated`.
    pub fn conversation_updated(conversation: &Conversation) -> Self {
        Self::of_conversation(conversation, EventBody::ConversationUpdated)
    }

    /// Creates `conversation.assigned`.
    pub fn conversation_assigned(conversation: &Conversation) -> Self {
        Self::of_conversation(conversation, EventBody::ConversationAssigned)
    }

    /// Creates `note.created`, an event of the note's conversation.
    pub fn note_created(note: &Note, conversation: &Conversation) -> Self {
        Self::of_note(note, conversation, EventBody::NoteCreated)
    }

    /// Creates `note.deleted`, an event of the note's conversation.
    pub fn note_deleted(note: &Note, conversation: &Conversation) -> Self {
        Self::of_note(note, conversation, EventBody::NoteDeleted)
    }

    /// Creates `label.created`.
    pub fn label_created(label: &Label) -> Self {
        Self::of_nobody(EventBody::LabelCreated(label.clone().into()))
    }

    /// Creates `label.updated`.
    pub fn label_updated(label: &Label) -> Self {
        Self::of_nobody(EventBody::LabelUpdated(label.clone().into()))
    }

    /// Creates `label.deleted`.
    pub fn label_deleted(label: &Label) -> Self {
        Self::of_nobody(EventBody::LabelDeleted(label.clone().into()))
    }

    /// Creates `attribute.created`.
    pub fn attribute_created(attribute: &Attribute) -> Self {
        Self::of_nobody(EventBody::AttributeCreated(attribute.clone().into()))
    }

    /// Creates `attribute.updated`.
    pub fn attribute_updated(attribute: &Attribute) -> Self {
        Self::of_nobody(EventBody::AttributeUpdated(attribute.clone().into()))
    }

    /// Creates `attribute.deleted`.
    pub fn attribute_deleted(attribute: &Attribute) -> Self {
        Self::of_nobody(EventBody::AttributeDeleted(attribute.clone().into()))
    }

    /// Creates `export.state`, an event of the account whose rows alone it has, if there is one.
    pub fn export_state(job: &ExportJob) -> Self {
        Self {
            account_id: job.order.filter.account,
            ..Self::of_nobody(EventBody::ExportState(job.clone().into()))
        }
    }

    /// Creates `account.state`.
    pub fn account_state(account: &Account) -> Self {
        Self::of_account(account.id, EventBody::AccountState(account.into()))
    }

    /// Creates `account.added`.
    pub fn account_added(account: &Account) -> Self {
        Self::of_account(account.id, EventBody::AccountAdded(account.into()))
    }

    /// Creates `account.removed`.
    pub fn account_removed(account: &Account) -> Self {
        Self::of_account(account.id, EventBody::AccountRemoved(account.into()))
    }

    /// Creates `account.history`.
    pub fn account_history(account: AccountId, history: &History) -> Self {
        Self::of_account(account, EventBody::AccountHistory(history.into()))
    }

    /// Creates `account.synced`.
    pub fn account_synced(account: AccountId, synced: &Synced) -> Self {
        Self::of_account(account, EventBody::AccountSynced(synced.into()))
    }

    /// Creates `agent.created`.
    pub fn agent_created(agent: &Agent) -> Self {
        Self::of_nobody(EventBody::AgentCreated(agent.into()))
    }

    /// Creates `agent.updated`.
    pub fn agent_updated(agent: &Agent) -> Self {
        Self::of_nobody(EventBody::AgentUpdated(agent.into()))
    }

    /// Creates `template.created`.
    pub fn template_created(template: &Template) -> Self {
        Self::of_nobody(EventBody::TemplateCreated(template.clone().into()))
    }

    /// Creates `template.updated`.
    pub fn template_updated(template: &Template) -> Self {
        Self::of_nobody(EventBody::TemplateUpdated(template.clone().into()))
    }

    /// Creates `template.deleted`.
    pub fn template_deleted(template: &Template) -> Self {
        Self::of_nobody(EventBody::TemplateDeleted(template.clone().into()))
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

    fn of_note(note: &Note, conversation: &Conversation, body: fn(NoteView) -> EventBody) -> Self {
        Self {
            account_id: Some(conversation.account_id),
            customer_id: conversation.customer_id,
            conversation_id: Some(conversation.id),
            body: body(note.clone().into()),
        }
    }

    const fn of_nobody(body: EventBody) -> Self {
        Self {
            account_id: None,
            customer_id: None,
            conversation_id: None,
            body,
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

    /// Returns the type of the event.
    pub const fn kind(&self) -> EventType {
        self.body.kind()
    }

    /// Returns the data of the event.
    pub const fn body(&self) -> &EventBody {
        &self.body
    }

    /// Returns the account of the event; `None` for events of customers, who belong to no account.
    pub const fn account_id(&self) -> Option<AccountId> {
        self.account_id
    }

    /// Returns the customer of the event, if it has one.
    pub const fn customer_id(&self) -> Option<CustomerId> {
        self.customer_id
    }

    /// Returns the conversation of the event, if it has one.
    pub const fn conversation_id(&self) -> Option<ConversationId> {
        self.conversation_id
    }

    /// Returns the message of the event, if it is about one.
    pub const fn message_id(&self) -> Option<MessageId> {
        match &self.body {
            EventBody::MessageReceived(message)
            | EventBody::MessageQueued(message)
            | EventBody::MessageScheduled(message)
            | EventBody::MessageHeld(message)
            | EventBody::MessageState(message)
            | EventBody::MessageEdited(message)
            | EventBody::MessageDeleted(message)
            | EventBody::MessageReaction(message)
            | EventBody::MessagePoll(message)
            | EventBody::MessageMedia(message) => Some(message.id),
            EventBody::CustomerCreated(_)
            | EventBody::CustomerUpdated(_)
            | EventBody::CustomerMerged(_)
            | EventBody::CustomerUnmerged(_)
            | EventBody::ConversationRead(_)
            | EventBody::ConversationUpdated(_)
            | EventBody::ConversationAssigned(_)
            | EventBody::NoteCreated(_)
            | EventBody::NoteDeleted(_)
            | EventBody::LabelCreated(_)
            | EventBody::LabelUpdated(_)
            | EventBody::LabelDeleted(_)
            | EventBody::AttributeCreated(_)
            | EventBody::AttributeUpdated(_)
            | EventBody::AttributeDeleted(_)
            | EventBody::ExportState(_)
            | EventBody::AccountState(_)
            | EventBody::AccountAdded(_)
            | EventBody::AccountRemoved(_)
            | EventBody::AccountHistory(_)
            | EventBody::AccountSynced(_)
            | EventBody::AgentCreated(_)
            | EventBody::AgentUpdated(_)
            | EventBody::TemplateCreated(_)
            | EventBody::TemplateUpdated(_)
            | EventBody::TemplateDeleted(_) => None,
        }
    }
}

/// An event of the journal: a line of `crm tail`. Its data is passed on as it was written, whatever the present types
/// are; [`EventBody::parse`] parses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "JournalEvent")]
pub struct JournalEvent<T = EventType> {
    /// Number of the event.
    pub seq: Seq,
    /// Time of the event.
    pub at: Timestamp,
    /// Type of the event.
    #[serde(rename = "type")]
    pub kind: T,
    /// Account of the event; null for events of customers.
    pub account_id: Option<AccountId>,
    /// Customer of the event, if it has one.
    pub customer_id: Option<CustomerId>,
    /// Conversation of the event, if it has one.
    pub conversation_id: Option<ConversationId>,
    /// Data of the event.
    pub data: RawJson,
}
