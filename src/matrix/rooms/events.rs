//! Requests about single events that both adapters make in the same way.

use std::time::Duration;

use matrix_sdk::ruma::api::client::context::get_context;
use matrix_sdk::ruma::api::client::receipt::create_receipt;
use matrix_sdk::ruma::api::client::redact::redact_event;
use matrix_sdk::ruma::api::client::state::get_state_event_for_key;
use matrix_sdk::ruma::api::client::typing::create_typing_event;
use matrix_sdk::ruma::events::StateEventType;
use matrix_sdk::ruma::{EventId, OwnedTransactionId, RoomId, UInt};
use serde_json::Value;

use super::caller::{Caller, send};
use crate::domain::MatrixEventId;
use crate::domain::matrix::TxnId;
use crate::matrix::wire::Fault;

/// Events in one page of a room's history.
pub const PAGE: u32 = 100;
/// How long a room shows that somebody types, unless it is told again.
const TYPING_FOR: Duration = Duration::from_secs(30);
/// Maximum number of pages searched for an event of ours.
pub const MAX_PAGES: usize = 5;

/// Redacts an event.
pub async fn redact(caller: Caller<'_>, room: &RoomId, event: &EventId, txn: &TxnId) -> Result<(), Fault> {
    let id = OwnedTransactionId::from(txn.0.as_str());
    let request = redact_event::v3::Request::new(room.to_owned(), event.to_owned(), id);
    match send!(caller, request) {
        Ok(_) => Ok(()),
        Err(fault) => Err(or_gone(caller, room, fault).await),
    }
}

/// Sends a read receipt for an event.
pub async fn mark_read(caller: Caller<'_>, room: &RoomId, event: &EventId) -> Result<(), Fault> {
    let kind = create_receipt::v3::ReceiptType::Read;
    let request = create_receipt::v3::Request::new(room.to_owned(), kind, event.to_owned());
    match send!(caller, request) {
        Ok(_) => Ok(()),
        Err(fault) => Err(or_gone(caller, room, fault).await),
    }
}

/// Shows that the caller's user types, or that they do not.
pub async fn type_in(caller: Caller<'_>, room: &RoomId, is_typing: bool) -> Result<(), Fault> {
    let state = if is_typing {
        create_typing_event::v3::Typing::Yes(create_typing_event::v3::TypingInfo::new(TYPING_FOR))
    } else {
        create_typing_event::v3::Typing::No
    };
    let request = create_typing_event::v3::Request::new(caller.us().to_owned(), room.to_owned(), state);
    send!(caller, request).map(|_| ())
}

/// Returns the event's id and the ids of those before it, the newest first, one page of them.
pub async fn up_to(caller: Caller<'_>, room: &RoomId, id: &EventId) -> Result<Vec<MatrixEventId>, Fault> {
    let mut request = get_context::v3::Request::new(room.to_owned(), id.to_owned());
    // Half of the limit is for the events after it.
    request.limit = UInt::from(PAGE);
    let context = match send!(caller, request) {
        Ok(context) => context,
        Err(fault) => return Err(or_gone(caller, room, fault).await),
    };
    let before = context.events_before.iter();
    let ids = before.filter_map(|event| event.get_field::<String>("event_id").ok().flatten());
    Ok(std::iter::once(id.to_string()).chain(ids).map(MatrixEventId).collect())
}

/// Turns a refusal into [`Fault::Gone`] if we are no longer in the room: then the room is the cause and not the
/// message.
pub async fn or_gone(caller: Caller<'_>, room: &RoomId, fault: Fault) -> Fault {
    if !matches!(fault, Fault::Forbidden(_) | Fault::Missing(_)) {
        return fault;
    }
    match check_membership(caller, room).await {
        Err(gone @ Fault::Gone(_)) => gone,
        _ => fault,
    }
}

/// Asks the homeserver whether we are in the room.
pub async fn check_membership(caller: Caller<'_>, room: &RoomId) -> Result<(), Fault> {
    let us = caller.us().to_string();
    let request = get_state_event_for_key::v3::Request::new(room.to_owned(), StateEventType::RoomMember, us);
    let answer = match send!(caller, request) {
        Err(Fault::Forbidden(why) | Fault::Missing(why)) => return Err(Fault::Gone(why)),
        answer => answer?,
    };
    let content: Value = serde_json::from_str(answer.event_or_content.get())?;
    match content["membership"].as_str() {
        Some("join") => Ok(()),
        _ => Err(Fault::Gone(format!("our user is no longer in the room {room}"))),
    }
}
