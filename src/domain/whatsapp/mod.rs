//! The port to WhatsApp. `wa` implements it with a real browser, the simulation with a fake.

mod failure;
mod keys;
mod outgoing;

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::account::Binding;
use super::account::session::Session;
use super::account::vitals::BrowserHealth;
use super::conversation::ChatKind;
use super::customer::{Identity, PhoneNumber};
use super::media::Sink;
use super::message::Kind;
use super::message::details::{Details, Location};
use super::{ChatId, HistoryMark, Timestamp, WaMessageId, WaUserId};

pub use failure::{FetchError, ReadError, SendError, Unreachable};
pub use keys::{MessageKey, MessageRef};
pub use outgoing::{
    HandedOver, MessageChange, OutgoingChange, OutgoingContent, OutgoingFile, OutgoingMessage, QuotedKey,
};

/// Most events in one [`Batch`] (rule 10).
pub const MAX_BATCH_EVENTS: usize = 200;

/// Result of a lookup of an avatar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AvatarLookup {
    /// There is none, or none that we may see.
    None,
    /// It is the one that is known already.
    Same,
    /// It is another one, which was written into the sink. `tag` identifies it.
    New { tag: String },
}

/// Position up to which the page's events are committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageMark {
    /// Epoch of the page.
    pub epoch: String,
    /// Number of the event within the epoch.
    pub seq: u64,
}

/// Events of the page, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Mark to acknowledge once these events are committed; `None` when the batch is empty.
    pub mark: Option<PageMark>,
    pub events: Vec<PageEvent>,
    /// Chats in which somebody has begun (true) or ceased to type. They are not told again.
    pub typing: Vec<(ChatId, bool)>,
}

/// An event that the page reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PageEvent {
    /// A message, new or changed.
    Message(Box<WaMessage>),
    /// Acks for messages of ours (`from_me`): 1 sent, 2 delivered, 3 read, 4 played, negative refused.
    Ack {
        chat: ChatId,
        ids: Vec<WaMessageId>,
        ack: i32,
    },
    /// The text of a message was edited.
    Edited {
        target: MessageKey,
        content: String,
        at: Timestamp,
    },
    /// A message was deleted for everyone; `by` names the group's admin who did it, if that was not its author.
    Deleted {
        target: MessageKey,
        at: Timestamp,
        #[serde(default)]
        by: Option<String>,
    },
    /// People keep a disappearing message in the chat, or do so no longer.
    Kept {
        target: MessageKey,
        is_kept: bool,
        at: Timestamp,
    },
    /// A reaction was added, changed or removed.
    Reacted { target: MessageKey, reaction: WaReaction },
    /// A person voted in a poll.
    Voted { target: MessageKey, vote: WaVote },
    /// A live location changed.
    Moved {
        target: MessageKey,
        location: Location,
        at: Timestamp,
    },
    /// Name and members of a group.
    Group(Box<WaGroup>),
    /// Data that did not parse, byte for byte (rule 13).
    Poison { bytes: Vec<u8>, error: String },
}

impl PageEvent {
    /// Returns the message that the event is about, if the event is not a message itself.
    pub const fn target(&self) -> Option<&MessageKey> {
        match self {
            Self::Edited { target, .. }
            | Self::Deleted { target, .. }
            | Self::Kept { target, .. }
            | Self::Reacted { target, .. }
            | Self::Voted { target, .. }
            | Self::Moved { target, .. } => Some(target),
            Self::Message(_) | Self::Ack { .. } | Self::Group(_) | Self::Poison { .. } => None,
        }
    }
}

/// A reaction to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaReaction {
    /// The emoji; empty when the reaction was removed.
    pub emoji: String,
    /// Whether it is ours.
    pub from_me: bool,
    /// Person who reacted; without identities when it is ours.
    pub contact: WaContact,
    /// Author of the reaction, as WhatsApp names them.
    pub sender: WaUserId,
    pub at: Timestamp,
}

/// A person's choice in a poll; it replaces their earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaVote {
    /// Options chosen; empty when the vote was withdrawn.
    pub options: Vec<String>,
    /// Whether it is ours.
    pub from_me: bool,
    /// Voter, as in [`WaReaction::contact`].
    pub contact: WaContact,
    /// Voter, as WhatsApp names them.
    pub sender: WaUserId,
    pub at: Timestamp,
}

/// A group as WhatsApp reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaGroup {
    pub chat: ChatId,
    /// Name of the group, if the page knows it.
    pub name: Option<String>,
    /// Members; `None` when the page does not know them.
    pub participants: Option<Vec<WaParticipant>>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaParticipant {
    /// The member, as WhatsApp names them.
    pub user: WaUserId,
    /// Identities and names of the member.
    pub contact: WaContact,
    /// Whether it is our account.
    pub from_me: bool,
    pub is_admin: bool,
}

/// A person, with all identities and names that WhatsApp reports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaContact {
    /// Identities; the first is the one that names the chat.
    pub identities: Vec<Identity>,
    /// Name in the owner's address book.
    pub saved_name: Option<String>,
    /// Name that the person has chosen.
    pub push_name: Option<String>,
}

/// A message as WhatsApp reports it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaMessage {
    /// Stanza id.
    pub id: WaMessageId,
    /// Chat of the message.
    pub chat: ChatId,
    pub chat_kind: ChatKind,
    /// The other side of a direct chat; in a group, the sender.
    pub contact: WaContact,
    /// Name of the group.
    pub chat_name: Option<String>,
    /// Whether our account wrote it.
    pub from_me: bool,
    /// Author (our account when `from_me`): part of the message's unique key (rule 12).
    pub sender: WaUserId,
    /// Time of writing, in whole seconds.
    pub timestamp: Timestamp,
    pub kind: Kind,
    /// Text, or the bracketed line that stands for a kind that crm does not support.
    pub content: String,
    /// WhatsApp's ack number.
    pub ack: i32,
    /// Stanza id of the message that it quotes.
    pub quoted: Option<WaMessageId>,
    pub details: Option<Details>,
    /// Medium; never that of a view-once message.
    #[serde(default)]
    pub media: Option<WaMedia>,
    /// Time of the last edit.
    pub edited_at: Option<Timestamp>,
    /// Whether it was deleted for everyone: its content is not reported any more.
    pub is_deleted: bool,
    /// All reactions to it; `None` when the page was not asked.
    pub reactions: Option<Vec<WaReaction>>,
    /// All votes of a poll; `None` when the page was not asked.
    pub votes: Option<Vec<WaVote>>,
    /// In a system notice: the customer's new phone number.
    #[serde(default)]
    pub new_number: Option<PhoneNumber>,
}

/// A medium as WhatsApp describes it, before the download.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaMedia {
    pub mimetype: Option<String>,
    /// Size in bytes.
    pub size: Option<u64>,
    /// SHA-256, in hexadecimal.
    pub sha256: Option<String>,
    pub filename: Option<String>,
    /// Small still picture of a video, as the sender's phone made it: bytes of a stranger.
    #[serde(default)]
    pub preview: Option<Vec<u8>>,
    /// Stanza id of the message that has the bytes, if WhatsApp hides that one and shows the bytes in this one: a second
    /// upload of the same photo or video.
    #[serde(default)]
    pub source: Option<WaMessageId>,
    /// Whether its quality is better than that of the message's other medium.
    #[serde(default)]
    pub is_better: bool,
}

impl WaMessage {
    /// Returns the key of the message.
    pub fn key(&self) -> MessageKey {
        MessageKey {
            chat: self.chat.clone(),
            chat_kind: self.chat_kind,
            id: self.id.clone(),
            from_me: self.from_me,
            sender: self.sender.clone(),
            contact: self.contact.clone(),
        }
    }
}

/// A chat in the page's list.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatSummary {
    /// WhatsApp's id of the chat.
    pub chat: ChatId,
    pub kind: ChatKind,
    /// The other side of a direct chat.
    pub contact: WaContact,
    pub name: Option<String>,
    /// Unread messages, as WhatsApp counts them.
    pub unread: u32,
    /// Time of the chat's last change.
    pub last_at: Option<Timestamp>,
    /// Stanza id of the last message.
    pub last_message: Option<WaMessageId>,
}

/// A message of the history, with its position.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// Position of the message in its chat.
    pub mark: HistoryMark,
    /// The message, or the data that did not parse.
    pub event: PageEvent,
}

impl Past {
    /// Returns the time of writing, if the message could be parsed.
    pub fn at(&self) -> Option<Timestamp> {
        match &self.event {
            PageEvent::Message(message) => Some(message.timestamp),
            _ => None,
        }
    }

    /// Returns about how many bytes of memory it takes.
    pub fn chars(&self) -> usize {
        match &self.event {
            PageEvent::Message(message) => message.content.len(),
            PageEvent::Poison { bytes, .. } => bytes.len(),
            _ => 0,
        }
    }
}

/// Messages of a chat before a position.
#[derive(Clone, Debug, PartialEq)]
pub enum Earlier {
    /// Messages in the order (`t`, page order), oldest first; empty when there are no more.
    Page(Vec<Past>),
    /// The page does not know the position any more.
    Lost,
    /// The page does not have the chat.
    NoChat,
}

/// Recipient of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    Chat(ChatId),
    Phone(PhoneNumber),
}

/// A chat that exists, and its contact.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// WhatsApp's id of the chat.
    pub chat: ChatId,
    /// Identities and names of the other side.
    pub contact: WaContact,
}

/// Result of a lookup of a message that may have been sent (rule 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookUp {
    /// The page has it with this ack.
    Found { ack: i32 },
    /// Certainly not there: it was looked up under LID and phone number, in a page that is logged in, fully ready and
    /// synced.
    Absent,
    /// Not known now, and why.
    Unclear(String),
}

/// Way of linking a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginMethod {
    /// With a QR code that the phone scans.
    Qr,
    /// With an eight-character code that is entered on the phone with this number.
    PairingCode(PhoneNumber),
}

/// The WhatsApp connection of one account. Every call ends within a deadline of the adapter.
#[async_trait]
pub trait WhatsApp: Send + Sync + 'static {
    /// Returns a receiver of the session's state.
    fn session(&self) -> watch::Receiver<Session>;

    /// Sets which phones may link the account. Another phone leads to the state `wrong_number`.
    fn bind(&self, to: Binding);

    /// Returns the next events, and drops those up to `acked` (an ack of another epoch is ignored). Waits a second or
    /// two for the page's doorbell, then returns an empty batch.
    async fn pull(&self, acked: Option<&PageMark>) -> Result<Batch, Unreachable>;

    /// Returns the chat of a recipient, or `None` when the number is not on WhatsApp.
    async fn resolve(&self, to: &Recipient) -> Result<Option<Resolved>, Unreachable>;

    /// Returns a new stanza id for a message in `chat`.
    async fn choose_id(&self, chat: &ChatId) -> Result<WaMessageId, Unreachable>;

    /// Shows "typing…" for about as long as a person needs for `text`, then returns.
    async fn type_for(&self, chat: &ChatId, text: &str) -> Result<(), Unreachable>;

    /// Shows "typing…" in a chat until it is told otherwise, or the other side forgets it.
    async fn typing(&self, _chat: &ChatId, _is_typing: bool) -> Result<(), Unreachable> {
        Ok(())
    }

    /// Shows "recording…" for this long, then returns.
    async fn record_for(&self, chat: &ChatId, span: Duration) -> Result<(), Unreachable>;

    /// Returns whether the page can quote a message in this chat. It sends a reply without its quote if it cannot.
    async fn can_quote(&self, _chat: &ChatId, _quoted: &QuotedKey) -> Result<bool, Unreachable> {
        Ok(true)
    }

    /// Hands a message to the page. Returns the ack that it has by then, often 0: the page has it. Later acks come as
    /// events.
    async fn send(&self, message: &OutgoingMessage) -> Result<HandedOver, SendError>;

    /// Changes a message, unless it is as wanted already. [`SendError::Unknown`] may be tried again like
    /// [`SendError::NotSent`].
    async fn change(&self, change: &OutgoingChange) -> Result<(), SendError>;

    /// Looks up our message `id`, last known in `chat`.
    async fn look_up(&self, chat: &ChatId, id: &WaMessageId) -> Result<LookUp, Unreachable>;

    /// Marks all messages of a chat as read, so that the customer sees the read receipts.
    async fn mark_read(&self, chat: &ChatId) -> Result<(), Unreachable>;

    /// Returns the page's chats, most recent first.
    async fn chats(&self) -> Result<Vec<ChatSummary>, Unreachable>;

    /// Returns the most recent of [`Self::chats`], at most `count`: cheap enough to be called often.
    async fn newest(&self, count: usize) -> Result<Vec<ChatSummary>, Unreachable> {
        let mut chats = self.chats().await?;
        chats.truncate(count);
        Ok(chats)
    }

    /// Repairs a page that shows something that it did not report, by any means needed, so that it reports again.
    async fn heal(&self) {}

    /// Returns the browser's memory and the counts of its repairs.
    fn vitals(&self) -> BrowserHealth {
        BrowserHealth::default()
    }

    /// Returns the newest `count` messages of a chat in the order (`t`, page order), oldest first. Data that does not
    /// parse comes as [`PageEvent::Poison`].
    async fn messages(&self, chat: &ChatId, count: usize) -> Result<Vec<PageEvent>, ReadError>;

    /// Returns those of a chat's newest messages, back to `since` and at most `count`, that were changed after writing.
    async fn revised(&self, chat: &ChatId, since: Timestamp, count: usize) -> Result<Vec<PageEvent>, ReadError>;

    /// Returns about `count` messages of a chat before `mark`, or the newest ones, to read a long chat in parts.
    async fn earlier(&self, chat: &ChatId, mark: Option<&HistoryMark>, count: usize) -> Result<Earlier, ReadError>;

    /// Returns one message, or `None` when the page does not have it.
    async fn message(&self, of: &MessageRef) -> Result<Option<WaMessage>, ReadError>;

    /// Downloads the medium of a message into `sink`, from its beginning, at most `max` bytes.
    async fn fetch_media(&self, of: &MessageRef, max: u64, sink: &mut dyn Sink) -> Result<(), FetchError>;

    /// Looks up the avatar of a direct chat's other side or of a group. Writes it into `sink`, at most `max` bytes, if
    /// its tag differs from `known`.
    async fn avatar(
        &self,
        chat: &ChatId,
        known: Option<&str>,
        max: u64,
        sink: &mut dyn Sink,
    ) -> Result<AvatarLookup, FetchError>;

    /// Parses the bytes of a [`PageEvent::Poison`] again, with this version's parser.
    fn read_again(&self, bytes: &[u8]) -> PageEvent;

    /// Starts linking a device; the codes appear in [`Session`].
    async fn login(&self, method: LoginMethod) -> Result<(), Unreachable>;

    /// Unlinks the device.
    async fn logout(&self) -> Result<(), Unreachable>;

    /// Takes the session over from another window ("Use here").
    async fn take_over(&self) -> Result<(), Unreachable>;

    /// Closes the browser in order, within `limit`. The port must not be used afterwards.
    async fn close(&self, limit: Duration);
}
