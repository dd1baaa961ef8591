//! What goes over the wire: frames `{"op","t","s","id","d"}` and the codes with which a connection is closed.

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::event::{EventType, JournalEvent};
use crate::domain::{AccountId, ConversationId, CustomerId, Seq, Timestamp};

/// Why a connection is closed. The numbers are a contract with integrators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Close {
    /// The client left, or its line broke.
    Gone = 1000,
    /// The frame is larger than we take (the protocol's own number).
    TooLarge = 1009,
    /// The server restarts.
    Restart = 1012,
    Unknown = 4000,
    BadOp = 4001,
    Undecodable = 4002,
    NotIdentified = 4003,
    AuthFailed = 4004,
    BadSequence = 4007,
    TimedOut = 4009,
    BadVersion = 4012,
    BadFilter = 4013,
    Scope = 4014,
    SlowConsumer = 4015,
}

impl Close {
    const fn reason(self) -> &'static str {
        match self {
            Self::Gone => "",
            Self::TooLarge => "the frame is too large; send less",
            Self::Restart => "the server restarts; reconnect and resume",
            Self::Unknown => "the server failed; reconnect and resume",
            Self::BadOp => "there is no such op, or not at this point",
            Self::Undecodable => "the frame is not a JSON object with an op",
            Self::NotIdentified => "identify first",
            Self::AuthFailed => "the key is unknown, expired or revoked",
            Self::BadSequence => "that sequence number has not been given out yet",
            Self::TimedOut => "nothing was heard from you in time",
            Self::BadVersion => "speak the subprotocol crm.v1.json",
            Self::BadFilter => "the filter names something that does not exist",
            Self::Scope => "the key may not read",
            Self::SlowConsumer => "you read too slowly; reconnect and resume",
        }
    }

    pub fn message(self) -> Message {
        Message::Close(Some(CloseFrame {
            code: self as u16,
            reason: Utf8Bytes::from_static(self.reason()),
        }))
    }
}

/// A frame of the client's.
#[derive(Debug, Deserialize)]
pub struct ClientFrame {
    pub op: String,
    /// Given back in the reply to a command.
    #[serde(default)]
    pub id: Value,
    /// In a heartbeat: the last event seen.
    #[serde(default)]
    pub s: Option<i64>,
    #[serde(default)]
    pub d: Value,
}

/// An event, with the journal's own columns beside its data.
#[derive(Serialize)]
struct EventFrame<'a> {
    op: &'static str,
    t: EventType,
    s: Seq,
    at: Timestamp,
    account_id: Option<AccountId>,
    customer_id: Option<CustomerId>,
    conversation_id: Option<ConversationId>,
    d: &'a Value,
}

pub fn event(event: &JournalEvent) -> serde_json::Result<Message> {
    let frame = EventFrame {
        op: "event",
        t: event.kind,
        s: event.seq,
        at: event.at,
        account_id: event.account_id,
        customer_id: event.customer_id,
        conversation_id: event.conversation_id,
        d: &event.data,
    };
    Ok(Message::text(serde_json::to_string(&frame)?))
}

/// A frame of ours that is no event.
pub fn frame(op: &str, d: &Value) -> Message {
    Message::text(json!({ "op": op, "d": d }).to_string())
}

/// The answer to a command.
pub fn reply(id: &Value, status: u16, d: &Value, replayed: bool) -> Message {
    let mut frame = json!({ "op": "reply", "id": id, "status": status, "d": d });
    if replayed {
        frame["idempotent_replayed"] = true.into();
    }
    Message::text(frame.to_string())
}

pub fn heartbeat_ack(s: Option<i64>) -> Message {
    Message::text(json!({ "op": "heartbeat_ack", "s": s }).to_string())
}
