//! The port to WhatsApp. `wa` implements it on a real browser; the simulation with a fake.

mod outgoing;

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::account::Binding;
use super::account::session::Session;
use super::account::vitals::Vitals;
use super::conversation::ChatKind;
use super::customer::{Identity, PhoneNumber};
use super::media::Sink;
use super::message::Kind;
use super::message::details::{Details, Location};
use super::{ChatId, HistoryMark, Timestamp, WaMessageId, WaUserId};

pub use outgoing::{MessageChange, OutgoingChange, OutgoingContent, OutgoingFile, OutgoingMessage, QuotedKey};

/// Most events in one [`Batch`] (rule 10).
pub const MAX_BATCH_EVENTS: usize = 200;

/// The account cannot be reached just now: no browser, no page, not linked, not online. Costs no attempt; the work waits.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("WhatsApp cannot be reached: {0}")]
pub struct Unreachable(pub String);

/// How a send failed, and how certain that is: the caller has to choose.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum SendError {
    /// Certainly not sent, and not because of the message: the account is in trouble. Costs no attempt.
    #[error("not sent: {0}")]
    Unreachable(Unreachable),
    /// Certainly not sent; trying again may help.
    #[error("not sent: {why}")]
    NotSent { why: String },
    /// Certainly not sent, and never will be.
    #[error("not sent: {detail}")]
    Refused { code: &'static str, detail: String },
    /// It may have been sent. Look the id up before anything else.
    #[error("may not have been sent: {why}")]
    Unknown { why: String },
}

/// Why a medium could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The account is in trouble. Costs no attempt.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// WhatsApp does not have it (any more). It has been asked for again, which the phone may answer in a while.
    #[error("WhatsApp does not have it any more: {0}")]
    Expired(String),
    /// Trying again may help.
    #[error("{0}")]
    Failed(String),
    /// We could not keep it.
    #[error(transparent)]
    Sink(#[from] std::io::Error),
}

/// Which picture of themselves somebody shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Portrait {
    /// None, or not to us.
    None,
    /// The one that is known.
    Same,
    /// Another, which was written into the sink. `tag` is how to know it again.
    New { tag: String },
}

/// How far the page's events have been committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageMark {
    pub epoch: String,
    pub seq: u64,
}

/// Some of the page's events, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// What to acknowledge once these are committed; none when the batch is empty.
    pub mark: Option<PageMark>,
    pub events: Vec<PageEvent>,
}

/// Something that the page told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PageEvent {
    Message(Box<WaMessage>),
    /// Acks on messages of ours (`from_me`): 1 sent, 2 delivered, 3 read, 4 played, negative: refused.
    Ack {
        chat: ChatId,
        ids: Vec<WaMessageId>,
        ack: i32,
    },
    /// Somebody has changed what a message says.
    Edited {
        target: MessageKey,
        content: String,
        at: Timestamp,
    },
    /// Somebody has deleted a message for everyone.
    Deleted {
        target: MessageKey,
        at: Timestamp,
    },
    /// Somebody has put an emoji under a message, or taken it away.
    Reacted {
        target: MessageKey,
        reaction: WaReaction,
    },
    /// Somebody has chosen in a poll.
    Voted {
        target: MessageKey,
        vote: WaVote,
    },
    /// Somebody who shares their place live is elsewhere now.
    Moved {
        target: MessageKey,
        location: Location,
        at: Timestamp,
    },
    /// How a group is called and who is in it.
    Group(Box<WaGroup>),
    /// What did not parse, kept byte for byte (rule 13).
    Poison {
        bytes: Vec<u8>,
        error: String,
    },
}

impl PageEvent {
    /// The message that something else than itself is told about.
    pub const fn target(&self) -> Option<&MessageKey> {
        match self {
            Self::Edited { target, .. }
            | Self::Deleted { target, .. }
            | Self::Reacted { target, .. }
            | Self::Voted { target, .. }
            | Self::Moved { target, .. } => Some(target),
            Self::Message(_) | Self::Ack { .. } | Self::Group(_) | Self::Poison { .. } => None,
        }
    }
}

/// A message that something else is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageKey {
    pub chat: ChatId,
    pub chat_kind: ChatKind,
    pub id: WaMessageId,
    pub from_me: bool,
    /// As [`WaMessage::sender`].
    pub sender: WaUserId,
    /// As [`WaMessage::contact`].
    pub contact: WaContact,
}

/// An emoji under a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaReaction {
    /// Empty when it was taken away.
    pub emoji: String,
    pub from_me: bool,
    /// Who it is of; of nobody when it is ours.
    pub contact: WaContact,
    pub sender: WaUserId,
    pub at: Timestamp,
}

/// Somebody's choice in a poll: the last that they made counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaVote {
    /// None when the vote was taken back.
    pub options: Vec<String>,
    pub from_me: bool,
    /// As [`WaReaction::contact`].
    pub contact: WaContact,
    pub sender: WaUserId,
    pub at: Timestamp,
}

/// A group as WhatsApp tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaGroup {
    pub chat: ChatId,
    pub name: Option<String>,
    /// None when the page does not know who is in it.
    pub participants: Option<Vec<WaParticipant>>,
}

/// Somebody in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaParticipant {
    pub user: WaUserId,
    pub contact: WaContact,
    pub from_me: bool,
    pub is_admin: bool,
}

/// A person behind a message or chat, by all the names that WhatsApp tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaContact {
    pub identities: Vec<Identity>,
    /// From the owner's address book.
    pub saved_name: Option<String>,
    /// As the person calls themself.
    pub push_name: Option<String>,
}

/// A message as WhatsApp tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaMessage {
    pub id: WaMessageId,
    pub chat: ChatId,
    pub chat_kind: ChatKind,
    /// The other side of a direct chat; the sender's in a group.
    pub contact: WaContact,
    /// The group's name.
    pub chat_name: Option<String>,
    pub from_me: bool,
    /// Who wrote it (ours when `from_me`): part of what makes the message unique (rule 12).
    pub sender: WaUserId,
    pub timestamp: Timestamp,
    pub kind: Kind,
    /// The text, or the bracketed line that stands for a kind that is not built yet.
    pub content: String,
    pub ack: i32,
    pub quoted: Option<WaMessageId>,
    pub details: Option<Details>,
    /// What it carries besides; never what may be looked at only once.
    #[serde(default)]
    pub media: Option<WaMedia>,
    /// When its text was changed last.
    pub edited_at: Option<Timestamp>,
    /// It was deleted for everyone: what it said is not told any more.
    pub is_deleted: bool,
    /// Every reaction under it; none when the page was not asked.
    pub reactions: Option<Vec<WaReaction>>,
    /// Every vote, of a poll; none when the page was not asked.
    pub votes: Option<Vec<WaVote>>,
    /// A notice that the customer has another number from now on.
    #[serde(default)]
    pub new_number: Option<PhoneNumber>,
}

/// A medium as WhatsApp tells of it, before it is fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaMedia {
    pub mimetype: Option<String>,
    /// In bytes.
    pub size: Option<u64>,
    /// In hexadecimal.
    pub sha256: Option<String>,
    pub filename: Option<String>,
}

impl WaMessage {
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
    pub chat: ChatId,
    pub kind: ChatKind,
    pub contact: WaContact,
    pub name: Option<String>,
    pub unread: u32,
    /// When the chat last changed.
    pub last_at: Option<Timestamp>,
    pub last_message: Option<WaMessageId>,
}

/// A message of the past, and the place where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    pub mark: HistoryMark,
    /// A message, or what could not be read of one.
    pub event: PageEvent,
}

impl Past {
    /// When it was written, where that can be read.
    pub fn at(&self) -> Option<Timestamp> {
        match &self.event {
            PageEvent::Message(message) => Some(message.timestamp),
            _ => None,
        }
    }

    /// About how much of memory it takes.
    pub fn chars(&self) -> usize {
        match &self.event {
            PageEvent::Message(message) => message.content.len(),
            PageEvent::Poison { bytes, .. } => bytes.len(),
            _ => 0,
        }
    }
}

/// What a chat has before some place.
#[derive(Clone, Debug, PartialEq)]
pub enum Earlier {
    /// In the order (`t`, page order), oldest first; empty when there is nothing more.
    Page(Vec<Past>),
    /// The page does not know the place any more.
    Lost,
    NoChat,
}

/// To whom a message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    Chat(ChatId),
    Phone(PhoneNumber),
}

/// A chat that exists, and who it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    pub chat: ChatId,
    pub contact: WaContact,
}

/// A message whose medium is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaKey {
    pub chat: ChatId,
    pub id: WaMessageId,
    pub from_me: bool,
}

/// What became of a message that may have been sent (rule 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookUp {
    /// The page has it with this ack.
    Found { ack: i32 },
    /// Certainly not there: looked for under LID and number, logged in, fully ready and synced.
    Absent,
    /// Cannot be told now, and why.
    Unclear(String),
}

/// How a device is linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginMethod {
    Qr,
    /// With an eight-character code typed on the phone of this number.
    PairingCode(PhoneNumber),
}

/// One account's WhatsApp. Every call ends within a deadline of the adapter's own.
#[async_trait]
pub trait WhatsApp: Send + Sync + 'static {
    /// The session's state, now and whenever it changes.
    fn session(&self) -> watch::Receiver<Session>;

    /// Whose phone the account takes, told by whoever keeps it; any other then means `wrong_number`.
    fn bind(&self, to: Binding);

    /// The next events, after forgetting those up to `acked` (an ack of another epoch is ignored). Waits for the page's
    /// doorbell a second or two, then answers with an empty batch.
    async fn pull(&self, acked: Option<&PageMark>) -> Result<Batch, Unreachable>;

    /// The chat of `to`, or `None` when the number is not on WhatsApp.
    async fn resolve(&self, to: &Recipient) -> Result<Option<Resolved>, Unreachable>;

    /// A new stanza id for a message in `chat`.
    async fn choose_id(&self, chat: &ChatId) -> Result<WaMessageId, Unreachable>;

    /// Shows "typing…" for about as long as a person would need for `text`, then returns.
    async fn type_for(&self, chat: &ChatId, text: &str) -> Result<(), Unreachable>;

    /// Shows "recording…" for this long, then returns.
    async fn record_for(&self, chat: &ChatId, span: Duration) -> Result<(), Unreachable>;

    /// Hands a message to the page. Returns the ack that it has by then, often 0: the page has it. Further acks come as
    /// events.
    async fn send(&self, message: &OutgoingMessage) -> Result<i32, SendError>;

    /// Changes a message, unless it is as wanted. [`SendError::Unknown`] may be tried again like [`SendError::NotSent`].
    async fn change(&self, change: &OutgoingChange) -> Result<(), SendError>;

    /// What became of our message `id`, last known in `chat`.
    async fn look_up(&self, chat: &ChatId, id: &WaMessageId) -> Result<LookUp, Unreachable>;

    /// Marks everything in the chat as read, so that the customer sees it.
    async fn mark_read(&self, chat: &ChatId) -> Result<(), Unreachable>;

    /// The page's chats, the most recent first.
    async fn chats(&self) -> Result<Vec<ChatSummary>, Unreachable>;

    /// The most recent of [`Self::chats`], at most `count`: cheap enough to be asked for all the time.
    async fn newest(&self, count: usize) -> Result<Vec<ChatSummary>, Unreachable> {
        let mut chats = self.chats().await?;
        chats.truncate(count);
        Ok(chats)
    }

    /// The page has not told something that it shows: it is to be made to listen again, by whatever it takes.
    async fn heal(&self) {}

    /// What its browser costs, and how often it had to be healed.
    fn vitals(&self) -> Vitals {
        Vitals::default()
    }

    /// The newest `count` messages of a chat in the order (`t`, page order), oldest first. What does not parse comes as
    /// [`PageEvent::Poison`].
    async fn messages(&self, chat: &ChatId, count: usize) -> Result<Vec<PageEvent>, Unreachable>;

    /// Those of a chat's newest messages, back to `since` and at most `count`, that were changed after they were written.
    async fn revised(&self, chat: &ChatId, since: Timestamp, count: usize) -> Result<Vec<PageEvent>, Unreachable>;

    /// About `count` messages of a chat that stand before `mark`, or the newest ones: for reading a long chat bit by bit.
    async fn earlier(&self, chat: &ChatId, mark: Option<&HistoryMark>, count: usize) -> Result<Earlier, Unreachable>;

    /// One message by its id, or `None` when the page does not have it.
    async fn message(&self, chat: &ChatId, id: &WaMessageId, from_me: bool) -> Result<Option<WaMessage>, Unreachable>;

    /// Fetches the medium of a message, at most `max` bytes of it, into `sink`, from its beginning.
    async fn fetch_media(&self, of: &MediaKey, max: u64, sink: &mut dyn Sink) -> Result<(), FetchError>;

    /// Looks up the picture that the other side of a direct chat, or a group, shows, and writes it into `sink`, at most `max` bytes, if it is
    /// another than `known`.
    async fn portrait(
        &self,
        chat: &ChatId,
        known: Option<&str>,
        max: u64,
        sink: &mut dyn Sink,
    ) -> Result<Portrait, FetchError>;

    /// Reads a [`PageEvent::Poison`]'s bytes again, with whatever this version understands.
    fn read_again(&self, bytes: &[u8]) -> PageEvent;

    /// Starts linking a device; codes appear in [`Session`].
    async fn login(&self, method: LoginMethod) -> Result<(), Unreachable>;

    /// Unlinks the device.
    async fn logout(&self) -> Result<(), Unreachable>;

    /// Takes the session over from another window ("Use here").
    async fn take_over(&self) -> Result<(), Unreachable>;

    /// Ends the browser in order. The port is of no use afterwards.
    async fn close(&self, limit: Duration);
}
