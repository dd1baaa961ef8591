//! Frames of the WebSocket (`crm.v1.json`): `{"op","t","s","id","d"}`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{EventType, JournalEvent, RawJson};
use crate::domain::{AccountId, ConversationId, CustomerId, MessageId, Seq, Timestamp};

/// A frame of the client's. `id` and `d` are the caller's own JSON: the one is echoed, the other read by what `op` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientFrame<D = Value> {
    pub op: String,
    /// Echoed in the reply to a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Value>,
    /// In a heartbeat, the last event seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s: Option<i64>,
    #[serde(default)]
    pub d: D,
}

/// Data of `identify`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identify<F = Value> {
    /// An API key, where it did not come in the request's header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The last event seen: what came after it is told first.
    pub resume_from: Option<i64>,
    /// A [`FilterRequest`].
    pub filter: Option<F>,
}

/// The events that are wanted. All that is given has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterRequest<T = EventType> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<T>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_ids: Option<Vec<ConversationId>>,
    /// By name or id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// Data of `edit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditCommand {
    pub message_id: MessageId,
    pub content: String,
}

/// Data of `delete`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteCommand {
    pub message_id: MessageId,
}

/// Data of `react`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReactCommand {
    pub message_id: MessageId,
    /// Empty takes the desk's emoji away.
    pub emoji: String,
}

/// Data of `mark_read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkReadCommand {
    pub conversation_id: ConversationId,
}

/// A frame of the server's. `T` is what the types of events are read as: a `String` also takes those of later versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum ServerFrame<T = EventType> {
    /// The first frame: the client identifies itself now.
    Hello {
        d: Hello,
    },
    /// The client is let in.
    Ready {
        d: Ready,
    },
    Event(EventFrame<T>),
    /// Everything that was missed has been told.
    Resumed {
        d: Resumed,
    },
    /// Events after the cursor are no longer kept: read the lists anew.
    ResyncRequired {
        d: ResyncRequired,
    },
    /// The server restarts.
    Reconnect {
        d: Reconnect,
    },
    Reply(Reply),
    HeartbeatAck {
        s: Option<i64>,
    },
}

impl<T: DeserializeOwned> ServerFrame<T> {
    /// Reads a frame; `None` for one of a later version.
    pub fn parse(text: &str) -> serde_json::Result<Option<Self>> {
        #[derive(Deserialize)]
        struct Op {
            op: String,
        }
        #[derive(Deserialize)]
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

/// The data of a frame that has nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameD<D> {
    pub d: D,
}

/// Data of `hello`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// How often the client is to send a heartbeat.
    pub heartbeat_interval_ms: u64,
    pub session_id: String,
}

/// Data of `ready`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The newest event.
    pub seq: Seq,
    /// The oldest event that is kept.
    pub oldest: Seq,
}

/// Data of `resumed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// How many events were told again.
    pub replayed: u64,
}

/// Data of `resync_required`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResyncRequired {
    /// The oldest event that is kept.
    pub oldest: Seq,
}

/// Data of `reconnect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconnect {
    pub after_ms: u64,
}

/// An event, with the journal's own columns beside its data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFrame<T = EventType> {
    pub t: T,
    pub s: Seq,
    pub at: Timestamp,
    pub account_id: Option<AccountId>,
    pub customer_id: Option<CustomerId>,
    pub conversation_id: Option<ConversationId>,
    /// As the journal keeps it.
    pub d: RawJson,
}

/// The answer to a command: the same as over REST.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// As the command had it; null where it had none.
    pub id: Option<Value>,
    /// The HTTP status that REST would answer.
    pub status: u16,
    pub d: RawJson,
    /// Present where this is the answer to an earlier request with the same idempotency key.
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
