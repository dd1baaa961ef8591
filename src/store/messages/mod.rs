//! Messages. A message is stored once, whichever sources report it and however often.

mod addressee;
mod change;
mod disappearing;
mod find;
mod lines;
mod pace;
mod revise;

use sea_orm::ActiveValue::NotSet;
use sea_orm::IntoActiveModel;

use entity::message;

use crate::domain::conversation::Conversation;
use crate::domain::customer::PhoneNumber;
use crate::domain::details::Details;
use crate::domain::message::{Author, Direction, Failure, Kind, Message, MessageState, Reaction};
use crate::domain::pacing::Waiting;
use crate::domain::{AccountId, ChatId, ConversationId, CustomerId, MessageId, Timestamp, WaMessageId, WaUserId};

use super::StoreError;
use super::database::row::{from_json, to_json, word};

pub(in crate::store) use find::has_expired;
pub use lines::MessageLine;
pub(in crate::store) use pace::NOT_HANDED_OVER;
pub use revise::Decrypted;

/// A message to be stored. Unique by (conversation, `from_me`, `sender`, `whatsapp_id`) where it has a WhatsApp id
/// (rule 12), and by `client_key` where it has one.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMessage {
    /// Account that sends or receives it.
    pub account: AccountId,
    /// Customer of the conversation; `None` in a group.
    pub customer: Option<CustomerId>,
    /// Conversation that it belongs to.
    pub conversation: ConversationId,
    /// Whether it comes in or goes out.
    pub direction: Direction,
    /// Kind of the message.
    pub kind: Kind,
    /// Text, or the caption of a medium.
    pub content: String,
    /// Time of writing.
    pub timestamp: Timestamp,
    /// Delivery state.
    pub state: MessageState,
    /// Stanza id; `None` before it is chosen.
    pub whatsapp_id: Option<WaMessageId>,
    /// Whether our account wrote it.
    pub from_me: bool,
    /// Sender as part of the unique key; empty where `from_me` is enough.
    pub sender: WaUserId,
    /// Author, where it is not the customer.
    pub author: Option<Author>,
    /// Key of the client that makes a repeated request find this message.
    pub client_key: Option<String>,
    /// Message that it quotes.
    pub reply_to: Option<MessageId>,
    /// Data of special kinds, such as a location.
    pub details: Option<Details>,
    /// Time of the last edit.
    pub edited_at: Option<Timestamp>,
    /// Time of the deletion for everyone.
    pub deleted_at: Option<Timestamp>,
    /// Reactions to it.
    pub reactions: Vec<Reaction>,
    /// Whether it is older than the watermark and came with the history.
    pub backfilled: bool,
    /// Time after which it is not sent any more (rule 4).
    pub expires_at: Option<Timestamp>,
    /// Time at which its content is deleted (disappearing message).
    pub vanishes_at: Option<Timestamp>,
    /// Chat that it came in.
    pub chat: Option<ChatId>,
    /// Merged customer by whose identity it came; `None` for the customer itself.
    pub home: Option<CustomerId>,
    /// Number that the sender named; `None` if the message is for the customer, whatever their number is.
    pub addressee: Option<PhoneNumber>,
}

impl NewMessage {
    /// Creates a message of this conversation with only the fields that every message has.
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
            details: None,
            edited_at: None,
            deleted_at: None,
            reactions: Vec::new(),
            backfilled: false,
            expires_at: None,
            vanishes_at: None,
            chat: None,
            home: None,
            addressee: None,
        }
    }
}

/// Result of storing a message. A row that is stored already is not changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Inserted {
    New(Message),
    Existing(Message),
}

/// Stanza id and chat under which our message is, or will be, sent in WhatsApp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandOver {
    /// Stanza id.
    pub id: WaMessageId,
    /// Chat that it is sent in.
    pub chat: ChatId,
    /// Login of the account in which the id was chosen (rule 3).
    pub login: i64,
}

/// A message as a resync compares it with the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentMessage {
    /// Id of the message.
    pub id: MessageId,
    /// Stanza id.
    pub whatsapp_id: WaMessageId,
    /// Whether our account wrote it.
    pub from_me: bool,
    /// Sender as part of the unique key; empty where `from_me` is enough.
    pub sender: WaUserId,
    /// Time of writing.
    pub timestamp: Timestamp,
    /// Delivery state.
    pub state: MessageState,
}

/// Selects the messages of an export; those that match all given fields are returned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageFilter {
    /// Messages of this account.
    pub account: Option<AccountId>,
    /// Messages of conversations with this customer.
    pub customer: Option<CustomerId>,
    /// Messages of this conversation.
    pub conversation: Option<ConversationId>,
    /// Messages written at or after this time.
    pub from: Option<Timestamp>,
    /// Messages written before this time.
    pub until: Option<Timestamp>,
}

/// Returns the start of a time's second, in milliseconds.
pub(super) const fn whole_seconds(at: Timestamp) -> i64 {
    at.0.div_euclid(1000).saturating_mul(1000)
}

/// Returns the row of a message that is not stored yet; its id is 0.
fn row(new: NewMessage, now: Timestamp) -> Result<message::Model, StoreError> {
    let (author_origin, author_name) = match new.author {
        Some(Author { origin, name }) => (origin.map(|origin| origin.to_string()), Some(name)),
        None => (None, None),
    };
    Ok(message::Model {
        id: MessageId(0),
        account_id: new.account,
        conversation_id: new.conversation,
        customer_id: new.customer,
        direction: new.direction.to_string(),
        kind: new.kind.to_string(),
        content: new.content,
        timestamp: new.timestamp.0,
        sort_at: whole_seconds(new.timestamp),
        state: new.state.to_string(),
        whatsapp_id: new.whatsapp_id,
        from_me: new.from_me,
        sender: new.sender,
        chat_id: new.chat,
        login: None,
        author_origin,
        author_name,
        client_key: new.client_key,
        reply_to: new.reply_to,
        media: None,
        media_id: None,
        details: new.details.as_ref().map(to_json).transpose()?,
        reactions: reactions_row(&new.reactions)?,
        edited_at: new.edited_at.map(|at| at.0),
        deleted_at: new.deleted_at.map(|at| at.0),
        backfilled: new.backfilled,
        failure_code: None,
        failure_detail: None,
        expires_at: new.expires_at.map(|at| at.0),
        vanishes_at: new.vanishes_at.map(|at| at.0),
        wait_reason: None,
        wait_until: None,
        created_at: now.0,
        updated_at: now.0,
        addressee: new.addressee.map(String::from),
        home_id: new.home,
        chosen_at: None,
    })
}

/// Returns the column's value for reactions: `None` for an empty list.
fn reactions_row(reactions: &[Reaction]) -> Result<Option<String>, StoreError> {
    if reactions.is_empty() {
        return Ok(None);
    }
    to_json(&reactions).map(Some)
}

/// Returns the row without its id, which the database generates.
fn unnumbered(row: message::Model) -> message::ActiveModel {
    let mut row = row.into_active_model();
    row.id = NotSet;
    row
}

pub(super) fn read(row: message::Model) -> Result<Message, StoreError> {
    let state: MessageState = word("messages", &row.state)?;
    let author = match row.author_name {
        Some(name) => Some(Author {
            origin: row.author_origin.map(|origin| word("messages", &origin)).transpose()?,
            name,
        }),
        None => None,
    };
    Ok(Message {
        id: row.id,
        customer_id: row.customer_id,
        conversation_id: row.conversation_id,
        account_id: row.account_id,
        direction: word("messages", &row.direction)?,
        kind: word("messages", &row.kind)?,
        content: row.content,
        timestamp: Timestamp(row.timestamp),
        ack: state.ack(),
        state,
        whatsapp_id: row.whatsapp_id,
        author,
        reply_to: row.reply_to,
        media: row.media.map(|media| from_json("messages", &media)).transpose()?,
        details: row.details.map(|details| from_json("messages", &details)).transpose()?,
        reactions: match row.reactions {
            Some(reactions) => from_json("messages", &reactions)?,
            None => Vec::new(),
        },
        edited_at: row.edited_at.map(Timestamp),
        deleted_at: row.deleted_at.map(Timestamp),
        backfilled: row.backfilled,
        failure: row.failure_code.map(|code| Failure {
            code,
            detail: row.failure_detail.unwrap_or_default(),
        }),
        waiting: match (row.wait_reason, row.wait_until) {
            (Some(reason), Some(until)) => Some(Waiting {
                reason: word("messages", &reason)?,
                until: Timestamp(until),
            }),
            _ => None,
        },
    })
}
