//! Messages: stored once, whatever tells of them and however often.

use futures_util::Stream;

use crate::domain::conversation::Conversation;
use crate::domain::message::{Author, Direction, Failure, Kind, Message, MessageState};
use crate::domain::{AccountId, ChatId, ConversationId, CustomerId, MessageId, Timestamp, WaMessageId, WaUserId};

use super::{Page, PageRequest, Store, StoreError, Tx};

/// A message to be stored. Unique by (conversation, `from_me`, `sender`, `whatsapp_id`) where it has a WhatsApp id
/// (`RULES` 12), and by `client_key` where it has one.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMessage {
    pub account: AccountId,
    pub customer: Option<CustomerId>,
    pub conversation: ConversationId,
    pub direction: Direction,
    pub kind: Kind,
    pub content: String,
    pub timestamp: Timestamp,
    pub state: MessageState,
    pub whatsapp_id: Option<WaMessageId>,
    pub from_me: bool,
    /// The sender's part of the uniqueness; empty where `from_me` says it all.
    pub sender: WaUserId,
    pub author: Option<Author>,
    pub client_key: Option<String>,
    pub reply_to: Option<MessageId>,
    pub backfilled: bool,
    /// Not sent any more after this (`RULES` 4).
    pub expires_at: Option<Timestamp>,
}

impl NewMessage {
    /// A message of this conversation with nothing but what every message has.
    pub fn of(
        conversation: &Conversation,
        direction: Direction,
        kind: Kind,
        content: &str,
        timestamp: Timestamp,
        state: MessageState,
    ) -> Self {
        Self {
            account: conversation.account_id,
            customer: conversation.customer_id,
            conversation: conversation.id,
            direction,
            kind,
            content: content.to_owned(),
            timestamp,
            state,
            whatsapp_id: None,
            from_me: direction == Direction::Outbound,
            sender: WaUserId(String::new()),
            author: None,
            client_key: None,
            reply_to: None,
            backfilled: false,
            expires_at: None,
        }
    }
}

/// Whether a message was new. The stored row wins.
#[derive(Clone, Debug, PartialEq)]
pub enum Inserted {
    New(Message),
    Existing(Message),
}

/// Under what a message of ours was, or is to be, handed to WhatsApp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandOver {
    pub id: WaMessageId,
    pub chat: ChatId,
    /// The account's login in which the id was chosen (`RULES` 3).
    pub login: i64,
}

/// What a resync compares with the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentMessage {
    pub id: MessageId,
    pub whatsapp_id: WaMessageId,
    pub from_me: bool,
    pub sender: WaUserId,
    pub timestamp: Timestamp,
    pub state: MessageState,
}

/// Which messages an export takes; all that is given has to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageFilter {
    pub account: Option<AccountId>,
    pub customer: Option<CustomerId>,
    pub conversation: Option<ConversationId>,
    /// Written at or after this.
    pub from: Option<Timestamp>,
    /// Written before this.
    pub until: Option<Timestamp>,
}

impl Store {
    pub async fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        todo!()
    }

    pub async fn message_by_client_key(&self, key: &str) -> Result<Option<Message>, StoreError> {
        todo!()
    }

    /// A conversation's messages in the order of their time in whole seconds (WhatsApp knows no finer), then of their
    /// storing.
    pub async fn messages(&self, conversation: ConversationId, page: PageRequest) -> Result<Page<Message>, StoreError> {
        todo!()
    }

    /// What we hold of a conversation since `from`, for comparing with the page (`RULES` 11).
    pub async fn recent_ids(
        &self,
        conversation: ConversationId,
        from: Timestamp,
    ) -> Result<Vec<RecentMessage>, StoreError> {
        todo!()
    }

    /// Our messages written since `from` about which WhatsApp may still tell more, the oldest first.
    pub async fn unfinished(&self, conversation: ConversationId, from: Timestamp) -> Result<Vec<Message>, StoreError> {
        todo!()
    }

    /// Chat and id of an account's messages that were handed over, written since `from`, about which WhatsApp may still
    /// tell more; the newest first, at most `limit`.
    pub async fn unfinished_of_account(
        &self,
        account: AccountId,
        from: Timestamp,
        limit: u64,
    ) -> Result<Vec<(ChatId, WaMessageId)>, StoreError> {
        todo!()
    }

    /// Whether nobody has written in this conversation yet but what still waits to be sent (`RULES` 8).
    pub async fn is_first_contact(&self, conversation: ConversationId) -> Result<bool, StoreError> {
        todo!()
    }

    /// Messages of unknown outcome, the oldest first: a person decides.
    pub async fn undecided(&self, page: PageRequest) -> Result<Page<Message>, StoreError> {
        todo!()
    }

    /// Messages still queued that are not to be sent any more, at most `limit`.
    pub async fn expired(&self, now: Timestamp, limit: u64) -> Result<Vec<Message>, StoreError> {
        todo!()
    }

    /// Under what a message was handed over; `None` before its id is chosen.
    pub async fn hand_over(&self, id: MessageId) -> Result<Option<HandOver>, StoreError> {
        todo!()
    }

    /// Messages by id, a page at a time in memory.
    pub fn stream_messages(
        &self,
        filter: MessageFilter,
    ) -> impl Stream<Item = Result<Message, StoreError>> + Send + use<> {
        futures_util::stream::once(async { todo!() })
    }

    /// How many messages [`Self::stream_messages`] gives.
    pub async fn count_messages(&self, filter: MessageFilter) -> Result<u64, StoreError> {
        todo!()
    }
}

impl Tx {
    pub async fn message(&mut self, id: MessageId) -> Result<Option<Message>, StoreError> {
        todo!()
    }

    /// Stores a message, or gives the one that is stored.
    pub async fn insert_message(&mut self, new: NewMessage) -> Result<Inserted, StoreError> {
        todo!()
    }

    pub async fn message_by_client_key(&mut self, key: &str) -> Result<Option<Message>, StoreError> {
        todo!()
    }

    /// The message that we sent under this stanza id; where several chats have one (they cannot, but strangers choose
    /// ids), the one handed over in `chat`, else the first.
    pub async fn our_message(
        &mut self,
        account: AccountId,
        id: &WaMessageId,
        chat: Option<&ChatId>,
    ) -> Result<Option<Message>, StoreError> {
        todo!()
    }

    /// The message that a reply quotes.
    pub async fn message_in_conversation(
        &mut self,
        conversation: ConversationId,
        id: &WaMessageId,
    ) -> Result<Option<MessageId>, StoreError> {
        todo!()
    }

    /// Sets state and failure and gives the message as it then is.
    pub async fn set_message_state(
        &mut self,
        id: MessageId,
        state: MessageState,
        failure: Option<Failure>,
    ) -> Result<Message, StoreError> {
        todo!()
    }

    /// Gives a message its stanza id, for ever (`RULES` 2): one that has an id keeps it, and its login, and takes only
    /// the chat. Does not change the state.
    pub async fn choose_stanza(
        &mut self,
        id: MessageId,
        chat: &ChatId,
        stanza: &WaMessageId,
        login: i64,
    ) -> Result<HandOver, StoreError> {
        todo!()
    }

    pub async fn hand_over(&mut self, id: MessageId) -> Result<Option<HandOver>, StoreError> {
        todo!()
    }

    /// A person wants a message sent again: its id counts as chosen in the account's present login.
    pub async fn renew_login(&mut self, id: MessageId) -> Result<(), StoreError> {
        todo!()
    }

    /// Gives a message that may be sent again (a person said so) another time to live.
    pub async fn set_expiry(&mut self, id: MessageId, at: Option<Timestamp>) -> Result<(), StoreError> {
        todo!()
    }

    /// Until when a message may be sent.
    pub async fn expiry(&mut self, id: MessageId) -> Result<Option<Timestamp>, StoreError> {
        todo!()
    }

    /// How many customers who never wrote were written to first since `from`, by this account (`RULES` 8).
    pub async fn first_contacts(&mut self, account: AccountId, from: Timestamp) -> Result<u64, StoreError> {
        todo!()
    }
}
