//! Requests for single events: send, find again, redact, read, and mark as read.

use std::time::Duration;

use matrix_sdk::room::MessagesOptions;
use matrix_sdk::ruma::api::client::context::get_context;
use matrix_sdk::ruma::api::client::receipt::create_receipt;
use matrix_sdk::ruma::api::client::redact::redact_event;
use matrix_sdk::ruma::api::client::state::get_state_event_for_key;
use matrix_sdk::ruma::events::StateEventType;
use matrix_sdk::ruma::{EventId, OwnedTransactionId, RoomId, UInt, UserId};
use matrix_sdk::{Client, Room};
use serde_json::Value;

use super::files::Source;
use super::prefix::prefix;
use crate::domain::matrix::{RoomContent, RoomEvent, Speaker, TxnId};
use crate::domain::{MatrixEventId, MatrixRoomId};
use crate::matrix::wire::{Fault, TXN_KEY, outgoing, read_event};

/// Events in one page of a room's history.
const PAGE: u32 = 100;
/// Maximum number of pages searched for an event of ours.
const MAX_PAGES: usize = 5;
/// Time until the next sync will have brought a room that the SDK does not know yet.
const UNKNOWN_ROOM: Duration = Duration::from_secs(1);

/// Sends an event under its transaction id; the homeserver stores it once, however often it is sent. `source` is the
/// reference to its uploaded file, if it has one.
pub(super) async fn send(
    client: &Client,
    room: &RoomId,
    speaker: &Speaker,
    txn: &TxnId,
    content: &RoomContent,
    source: Option<Source>,
) -> Result<MatrixEventId, Fault> {
    let joined = joined(client, room).await?;
    let mut outgoing = outgoing(content, prefix(speaker).as_deref(), txn);
    if let Some(source) = source {
        outgoing.content[source.field] = source.value;
    }
    let id = OwnedTransactionId::from(txn.0.as_str());
    let sent = joined
        .send_raw(outgoing.kind, outgoing.content)
        .with_transaction_id(&id)
        .await;
    match sent.map_err(Fault::from) {
        Ok(sent) => Ok(MatrixEventId(sent.response.event_id.to_string())),
        Err(fault) => Err(or_gone(client, room, fault).await),
    }
}

/// Searches our latest events in the room for one with the transaction id.
pub(super) async fn find_sent(client: &Client, room: &RoomId, txn: &TxnId) -> Result<Option<MatrixEventId>, Fault> {
    let joined = joined(client, room).await?;
    let mut from = None;
    for _ in 0..MAX_PAGES {
        let mut options = MessagesOptions::backward();
        options.from = from;
        options.limit = UInt::from(PAGE);
        options.filter.senders = Some(vec![joined.own_user_id().to_owned()]);
        let page = match joined.messages(options).await.map_err(Fault::from) {
            Ok(page) => page,
            Err(fault) => return Err(or_gone(client, room, fault).await),
        };
        let mut events = page.chunk.iter().map(|event| event.raw().json().get());
        if let Some(found) = events.find_map(|event| id_if_sent_as(event, txn)) {
            return Ok(Some(found));
        }
        from = match page.end {
            Some(end) => Some(end),
            None => break,
        };
    }
    Ok(None)
}

/// Returns the event's id if it carries the transaction id.
fn id_if_sent_as(event: &str, txn: &TxnId) -> Option<MatrixEventId> {
    let event: Value = serde_json::from_str(event).ok()?;
    let is_txn = |value: &Value| value.as_str() == Some(&txn.0);
    (is_txn(&event["content"][TXN_KEY]) || is_txn(&event["unsigned"]["transaction_id"]))
        .then(|| event["event_id"].as_str().map(MatrixEventId::from))?
}

/// Redacts an event.
pub(super) async fn redact(client: &Client, room: &RoomId, event: &EventId, txn: &TxnId) -> Result<(), Fault> {
    let id = OwnedTransactionId::from(txn.0.as_str());
    let request = redact_event::v3::Request::new(room.to_owned(), event.to_owned(), id);
    match client.send(request).await.map_err(Fault::from) {
        Ok(_) => Ok(()),
        Err(fault) => Err(or_gone(client, room, fault).await),
    }
}

/// Sends a read receipt for an event.
pub(super) async fn mark_read(client: &Client, room: &RoomId, event: &EventId) -> Result<(), Fault> {
    let kind = create_receipt::v3::ReceiptType::Read;
    let request = create_receipt::v3::Request::new(room.to_owned(), kind, event.to_owned());
    match client.send(request).await.map_err(Fault::from) {
        Ok(_) => Ok(()),
        Err(fault) => Err(or_gone(client, room, fault).await),
    }
}

/// Fetches one event, decrypted where that is possible.
pub(super) async fn event(client: &Client, room: &RoomId, id: &EventId) -> Result<RoomEvent, Fault> {
    let joined = joined(client, room).await?;
    let event = match joined.event(id, None).await.map_err(Fault::from) {
        Ok(event) => event,
        Err(fault) => return Err(or_gone(client, room, fault).await),
    };
    let room = MatrixRoomId(room.to_string());
    let read = read_event(&room, event.raw());
    read.ok_or_else(|| Fault::Refused(format!("{id} is not a valid event")))
}

/// Returns the event's id and the ids of those before it, the newest first, one page of them.
pub(super) async fn events_up_to(client: &Client, room: &RoomId, id: &EventId) -> Result<Vec<MatrixEventId>, Fault> {
    let mut request = get_context::v3::Request::new(room.to_owned(), id.to_owned());
    // Half of the limit is for the events after it.
    request.limit = UInt::from(PAGE);
    let context = match client.send(request).await.map_err(Fault::from) {
        Ok(context) => context,
        Err(fault) => return Err(or_gone(client, room, fault).await),
    };
    let before = context.events_before.iter();
    let ids = before.filter_map(|event| event.get_field::<String>("event_id").ok().flatten());
    Ok(std::iter::once(id.to_string()).chain(ids).map(MatrixEventId).collect())
}

/// Returns the room, or an error if we are not in it or no sync has brought it yet.
pub(super) async fn joined(client: &Client, room: &RoomId) -> Result<Room, Fault> {
    if let Some(known) = client.get_room(room) {
        return Ok(known);
    }
    check_membership(client, room).await?;
    Err(Fault::Busy {
        why: format!("no sync has brought the room {room} yet"),
        retry_after: Some(UNKNOWN_ROOM),
    })
}

/// Turns a refusal into [`Fault::Gone`] if we are no longer in the room: then the room is the cause and not the
/// message.
async fn or_gone(client: &Client, room: &RoomId, fault: Fault) -> Fault {
    if !matches!(fault, Fault::Forbidden(_) | Fault::Missing(_)) {
        return fault;
    }
    match check_membership(client, room).await {
        Err(gone @ Fault::Gone(_)) => gone,
        _ => fault,
    }
}

/// Asks the homeserver whether we are in the room.
async fn check_membership(client: &Client, room: &RoomId) -> Result<(), Fault> {
    let us = client.user_id().map(UserId::to_string).unwrap_or_default();
    let request = get_state_event_for_key::v3::Request::new(room.to_owned(), StateEventType::RoomMember, us);
    let answer = match client.send(request).await.map_err(Fault::from) {
        Err(Fault::Forbidden(why) | Fault::Missing(why)) => return Err(Fault::Gone(why)),
        answer => answer?,
    };
    let content: Value = serde_json::from_str(answer.event_or_content.get())?;
    match content["membership"].as_str() {
        Some("join") => Ok(()),
        _ => Err(Fault::Gone(format!("the bot is no longer in the room {room}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule 18.
    #[test]
    fn sent_event_is_found_by_transaction_id() {
        let txn = TxnId("i.1.0".to_owned());
        let found = Some(MatrixEventId::from("$e"));
        let by_content = r#"{"event_id":"$e","content":{"crm.transaction_id":"i.1.0"}}"#;
        assert_eq!(id_if_sent_as(by_content, &txn), found);
        let by_echo = r#"{"event_id":"$e","content":{},"unsigned":{"transaction_id":"i.1.0"}}"#;
        assert_eq!(id_if_sent_as(by_echo, &txn), found);
        for other in [
            r#"{"event_id":"$e","content":{"crm.transaction_id":"i.1.1"}}"#,
            r#"{"event_id":"$e","content":{"body":"i.1.0"}}"#,
            "no json",
        ] {
            assert_eq!(id_if_sent_as(other, &txn), None, "{other}");
        }
    }
}
