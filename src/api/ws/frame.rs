//! Writing frames, and the codes with which a connection is closed.

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};

use crate::contract::ServerFrame;

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

/// Writes a frame.
pub fn message(frame: &ServerFrame) -> serde_json::Result<Message> {
    Ok(Message::text(serde_json::to_string(frame)?))
}
