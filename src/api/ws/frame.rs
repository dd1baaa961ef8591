//! Serialises frames, and defines the close codes.

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};

use serde_json::Value;

use crate::api::http::extract::parse;
use crate::api::http::problem::Problem;
use crate::contract::{ClientFrame, ServerFrame};

/// Reason for closing a connection. The numbers are a contract with integrators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Close {
    /// The client left, or the connection broke.
    Gone = 1000,
    /// The frame is larger than the limit. 1009 is the protocol's own code.
    TooLarge = 1009,
    /// The server restarts.
    Restart = 1012,
    /// There is no place for the connection. 1013 is the protocol's own code.
    TryLater = 1013,
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
            Self::TryLater => "there are too many connections; try again later",
            Self::Unknown => "the server failed; reconnect and resume",
            Self::BadOp => "there is no such op, or not at this point",
            Self::Undecodable => "the frame is not a JSON object with an op and known fields",
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

    /// Returns the close frame, with its reason.
    pub fn message(self) -> Message {
        Message::Close(Some(CloseFrame {
            code: self as u16,
            reason: Utf8Bytes::from_static(self.reason()),
        }))
    }
}

/// Something that a client said.
pub enum Heard {
    Frame(ClientFrame),
    /// A frame that is wrong and has an `id`, so that it can be answered.
    Wrong {
        id: Value,
        problem: Problem,
    },
}

/// Reads a frame. One that is no object, or is wrong and has no `id`, ends the connection.
pub fn read(text: &str) -> Result<Heard, Close> {
    let mut problem = match parse(text.as_bytes()) {
        Ok(frame) => return Ok(Heard::Frame(frame)),
        Err(problem) => problem,
    };
    let Ok(Value::Object(mut fields)) = serde_json::from_str(text) else {
        return Err(Close::Undecodable);
    };
    let id = fields.remove("id").filter(|id| !id.is_null());
    let (Some(id), Some(Value::String(_))) = (id, fields.get("op")) else {
        return Err(Close::Undecodable);
    };
    // A misplaced key would not protect from a second message.
    let advice = "what belongs to a command goes into its `d`";
    for error in problem
        .errors
        .iter_mut()
        .filter(|error| error.detail.starts_with("unknown"))
    {
        error.detail = format!("{}; {advice}", error.detail);
        problem.detail.clone_from(&error.detail);
    }
    Ok(Heard::Wrong { id, problem })
}

/// Serialises a frame.
pub fn text(frame: &ServerFrame) -> serde_json::Result<Utf8Bytes> {
    Ok(serde_json::to_string(frame)?.into())
}

/// Returns the number of bytes that a message carries.
pub fn length(message: &Message) -> usize {
    match message {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) => bytes.len(),
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => 0,
    }
}

/// Logs an error of ours, and returns the close code for it.
pub fn failed(error: &dyn std::fmt::Display) -> Close {
    tracing::error!("a WebSocket ends: {error}");
    Close::Unknown
}
