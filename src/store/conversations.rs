//! Conversations: one account's chat with one customer or group.

use crate::domain::conversation::{ChatKind, Conversation, ConversationStatus};
use crate::domain::{AccountId, ChatId, ConversationId, CustomerId, MessageId, Timestamp};

use super::{Page, PageRequest, Store, StoreError, Tx};

/// What [`Tx::resolve_conversation`] found or made.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedConversation {
    pub conversation: Conversation,
    pub created: bool,
}

/// Which conversations are wanted; all that is given has to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConversationFilter {
    pub account: Option<AccountId>,
    pub customer: Option<CustomerId>,
    pub status: Option<ConversationStatus>,
    pub unread: bool,
}

impl Store {
    pub async fn conversation(&self, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        todo!()
    }

    /// The direct conversation of an account with a customer.
    pub async fn conversation_of(
        &self,
        account: AccountId,
        customer: CustomerId,
    ) -> Result<Option<Conversation>, StoreError> {
        todo!()
    }

    pub async fn conversation_of_chat(
        &self,
        account: AccountId,
        chat: &ChatId,
    ) -> Result<Option<Conversation>, StoreError> {
        todo!()
    }

    /// By last activity (the last message, else the making), then id.
    pub async fn conversations(
        &self,
        page: PageRequest,
        filter: ConversationFilter,
    ) -> Result<Page<Conversation>, StoreError> {
        todo!()
    }
}

impl Tx {
    pub async fn conversation(&mut self, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        todo!()
    }

    pub async fn conversation_of(
        &mut self,
        account: AccountId,
        customer: CustomerId,
    ) -> Result<Option<Conversation>, StoreError> {
        todo!()
    }

    /// The conversation, made when there is none: a direct one is found by its customer, whatever its chat is called by
    /// now; a group by its chat. A direct one takes `chat` as the one to answer. A group takes `name`; a direct one has
    /// its customer's.
    pub async fn resolve_conversation(
        &mut self,
        account: AccountId,
        customer: Option<CustomerId>,
        chat: Option<&ChatId>,
        kind: ChatKind,
        name: &str,
    ) -> Result<ResolvedConversation, StoreError> {
        todo!()
    }

    /// Sets the status and gives the conversation as it then is.
    pub async fn set_conversation_status(
        &mut self,
        id: ConversationId,
        status: ConversationStatus,
    ) -> Result<Conversation, StoreError> {
        todo!()
    }

    /// Counts `n` more unread messages, for the conversation and its customer.
    pub async fn add_unread(&mut self, id: ConversationId, n: i64) -> Result<(), StoreError> {
        todo!()
    }

    /// Nothing is unread any more; tells whether something was.
    pub async fn clear_unread(&mut self, id: ConversationId) -> Result<bool, StoreError> {
        todo!()
    }

    /// Notes a message as the last one, unless a later one is noted.
    pub async fn touch(&mut self, id: ConversationId, message: MessageId, at: Timestamp) -> Result<(), StoreError> {
        todo!()
    }
}
