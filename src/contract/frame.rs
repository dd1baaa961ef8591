//! Frames of the WebSocket (`crm.v1.json`): `{"op","t","s","id","d"}`.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{EventType, JournalEvent, RawJson};
use crate::domain::{AccountId, ConversationId, CustomerId, MessageId, Seq, Timestamp};

/// A frame that a client sends. `id` and `d` are the client's own JSON: `id` is echoed, and `op` decides how `d` is
/// parsed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ClientFrame", bound = "D: JsonSchema + Default")]
#[serde(deny_unknown_fields)]
pub struct ClientFrame<D = Value> {
    /// Name of the operation.
    pub op: String,
    /// Echoed in the reply to a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Value>,
    /// In a heartbeat: number of the last event received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s: Option<i64>,
    /// Type of an event, of which a client tells none: `null` from those that write all fields of a frame.
    #[serde(default, skip_serializing)]
    pub t: (),
    /// Data of the operation.
    #[serde(default)]
    pub d: D,
}

/// Data of `identify`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Identify")]
#[serde(deny_unknown_fields)]
pub struct Identify<F = Value> {
    /// API key, if it was not in the request's header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Number of the last event received: later events are sent first.
    pub resume_from: Option<i64>,
    /// A [`FilterRequest`].
    pub filter: Option<F>,
}

/// Selects events. An event must match all given fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "FilterRequest")]
#[serde(deny_unknown_fields)]
pub struct FilterRequest<T = EventType> {
    /// Types of events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<T>>,
    /// Conversations of events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_ids: Option<Vec<ConversationId>>,
    /// Account of events, by name or id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// Data of `edit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditCommand {
    /// Message to edit.
    pub message_id: MessageId,
    /// New text.
    pub content: String,
}

/// Data of `delete`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteCommand {
    /// Message to delete for everyone.
    pub message_id: MessageId,
}

/// Data of `react`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReactCommand {
    /// Message to react to.
    pub message_id: MessageId,
    /// The emoji; empty removes the desk's reaction.
    pub emoji: String,
}

/// Data of `mark_read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkReadCommand {
    /// Conversation to mark as read.
    pub conversation_id: ConversationId,
}

/// Data of `typing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TypingCommand {
    /// Conversation in which an agent types.
    pub conversation_id: ConversationId,
    /// Whether they type; repeat it every 10 s while they do, because the phone forgets it.
    pub typing: bool,
}

/// A frame that the server sends. `T` is the type for names of event types: a `String` also accepts those of later
/// versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ServerFrame")]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum ServerFrame<T = EventType> {
    /// First frame: the client must identify itself now.
    Hello { d: Hello },
    /// The client is accepted.
    Ready { d: Ready },
    /// An event.
    Event(EventFrame<T>),
    /// All missed events have been sent.
    Resumed { d: Resumed },
    /// Events after the cursor were pruned: the client must read the lists again.
    ResyncRequired { d: ResyncRequired },
    /// The server restarts.
    Reconnect { d: Reconnect },
    /// Answer to a command.
    Reply(Reply),
    /// Answer to a heartbeat.
    HeartbeatAck { s: Option<i64> },
}

impl<T: DeserializeOwned> ServerFrame<T> {
    /// Parses a frame; returns `None` for a kind of a later version.
    pub fn parse(text: &str) -> serde_json::Result<Option<Self>> {
        #[derive(Deserialize, JsonSchema)]
        struct Op {
            op: String,
        }
        #[derive(Deserialize, JsonSchema)]
        struct Heard {
            s: Option<i64>,
        }
        fn d<D: DeserializeOwned>(text: &str) -> serde_json::Result<D> {
            serde_json::from_str::<FrameD<D>>(text).map(|frame| frame.d)
        }
        let Op { op } = serde_json::from_str(text)?;
        Ok(Some(match op.as_str() {
            "hello" => Self::Hello { d: d(text)? },
            "ready" => Self::Ready { d: d(text)? },
            "event" => Self::Event(serde_json::from_str(text)?),
            "resumed" => Self::Resumed { d: d(text)? },
            "resync_required" => Self::ResyncRequired { d: d(text)? },
            "reconnect" => Self::Reconnect { d: d(text)? },
            "reply" => Self::Reply(serde_json::from_str(text)?),
            "heartbeat_ack" => Self::HeartbeatAck {
                s: serde_json::from_str::<Heard>(text)?.s,
            },
            _ => return Ok(None),
        }))
    }
}

/// Data of a frame that has no other field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FrameD<D> {
    /// Data of the frame.
    pub d: D,
}

/// Data of `hello`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hello {
    /// Interval at which the client must send a heartbeat, in milliseconds.
    pub heartbeat_interval_ms: u64,
    /// Id of the WebSocket session.
    pub session_id: String,
}

/// Data of `ready`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ready {
    /// Number of the newest event.
    pub seq: Seq,
    /// Number of the oldest event that is kept.
    pub oldest: Seq,
}

/// Data of `resumed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resumed {
    /// Number of events that were sent again.
    pub replayed: u64,
}

/// Data of `resync_required`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResyncRequired {
    /// Number of the oldest event that is kept.
    pub oldest: Seq,
}

/// Data of `reconnect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reconnect {
    /// Time after which the client should connect again, in milliseconds.
    pub after_ms: u64,
}

/// An event, with the journal's columns beside its data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "EventFrame")]
pub struct EventFrame<T = EventType> {
    /// Type of the event.
    pub t: T,
    /// Number of the event.
    pub s: Seq,
    /// Time of the event.
    pub at: Timestamp,
    /// Account of the event; null for events of customers.
    pub account_id: Option<AccountId>,
    /// Customer of the event, if it has one.
    pub customer_id: Option<CustomerId>,
    /// Conversation of the event, if it has one.
    pub conversation_id: Option<ConversationId>,
    /// Data of the event, as the journal stores it.
    pub d: RawJson,
}

/// Answer to a command: the same as over REST.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reply {
    /// Id of the command; null if it had none.
    pub id: Option<Value>,
    /// HTTP status that REST would answer with.
    pub status: u16,
    /// Body that REST would answer with.
    pub d: RawJson,
    /// Present if this is the answer to an earlier request with the same idempotency key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idempotent_replayed: bool,
}

impl<T> From<JournalEvent<T>> for EventFrame<T> {
    fn from(event: JournalEvent<T>) -> Self {
        Self {
            t: event.kind,
            s: event.seq,
            at: event.at,
            account_id: event.account_id,
            customer_id: event.customer_id,
            conversation_id: event.conversation_id,
            d: event.data,
        }
    }
}

impl<T> From<EventFrame<T>> for JournalEvent<T> {
    fn from(frame: EventFrame<T>) -> Self {
        Self {
            seq: frame.s,
            at: frame.at,
            kind: frame.t,
            account_id: frame.account_id,
            customer_id: frame.customer_id,
            conversation_id: frame.conversation_id,
            data: frame.d,
        }
    }
}
