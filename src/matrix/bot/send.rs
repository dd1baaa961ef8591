//! Requests for single events that go through the SDK: send, find again, and read.

use std::time::Duration;

use matrix_sdk::deserialized_responses::TimelineEvent;
use matrix_sdk::room::MessagesOptions;
use matrix_sdk::ruma::{EventId, OwnedTransactionId, RoomId, UInt, UserId};
use matrix_sdk::{Client, Room};

use super::files::Uploaded;
use super::keys;
use crate::domain::matrix::{RoomContent, RoomEvent, Speaker, TxnId};
use crate::domain::moving::Logins;
use crate::domain::{MatrixEventId, MatrixRoomId};
use crate::matrix::rooms::{self, Caller, MAX_PAGES, PAGE, check_membership};
use crate::matrix::wire::{Fault, deliver, id_if_sent_as, outgoing, read_event};

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
    source: Option<Uploaded>,
) -> Result<MatrixEventId, Fault> {
    let joined = joined(client, room).await?;
    let mut outgoing = outgoing(content, speaker.label().as_deref(), txn);
    if let (RoomContent::Status(status), Some(us)) = (content, client.user_id()) {
        // Customers have no users of their own here; as with receipts, our own stands for them.
        deliver(&mut outgoing, status, us.as_str());
    }
    if let Some(source) = source {
        source.put_into(&mut outgoing.content);
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
pub(super) async fn find_sent(
    client: &Client,
    logins: &Logins,
    room: &RoomId,
    txn: &TxnId,
) -> Result<Option<MatrixEventId>, Fault> {
    let joined = joined(client, room).await?;
    let mut from = None;
    for _ in 0..MAX_PAGES {
        let mut options = MessagesOptions::backward();
        options.from = from;
        options.limit = UInt::from(PAGE);
        // The users of customers cannot be listed.
        if !logins.has_patterns() {
            let others = logins.users.iter().filter_map(|user| UserId::parse(user).ok());
            let senders = others.chain([joined.own_user_id().to_owned()]);
            options.filter.senders = Some(senders.collect());
        }
        let page = match joined.messages(options).await.map_err(Fault::from) {
            Ok(page) => page,
            Err(fault) => return Err(or_gone(client, room, fault).await),
        };
        let is_ours = |event: &&TimelineEvent| {
            let sender = event.raw().get_field::<String>("sender").ok().flatten();
            sender.is_some_and(|sender| sender == joined.own_user_id().as_str() || logins.has(&sender))
        };
        let ours = page.chunk.iter().filter(is_ours);
        let mut events = ours.map(|event| event.raw().json().get());
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

/// Fetches one event, decrypted where that is possible.
pub(super) async fn event(client: &Client, room: &RoomId, id: &EventId) -> Result<RoomEvent, Fault> {
    let joined = joined(client, room).await?;
    let mut event = match joined.event(id, None).await.map_err(Fault::from) {
        Ok(event) => event,
        Err(fault) => return Err(or_gone(client, room, fault).await),
    };
    if let Some(session) = keys::session_of(event.raw())
        && keys::fetch(&joined, &session).await
    {
        event = joined.event(id, None).await?;
    }
    let room = MatrixRoomId(room.to_string());
    let read = read_event(&room, event.raw());
    read.ok_or_else(|| Fault::Refused(format!("{id} is not a valid event")))
}

/// Returns the room, or an error if we are not in it or no sync has brought it yet.
pub(super) async fn joined(client: &Client, room: &RoomId) -> Result<Room, Fault> {
    if let Some(known) = client.get_room(room) {
        return Ok(known);
    }
    check_membership(caller(client)?, room).await?;
    Err(Fault::Busy {
        why: format!("no sync has brought the room {room} yet"),
        retry_after: Some(UNKNOWN_ROOM),
    })
}

/// Returns the bot as the sender of requests.
pub(super) fn caller(client: &Client) -> Result<Caller<'_>, Fault> {
    let us = client.user_id();
    let us = us.ok_or_else(|| Fault::LoggedOut("the bot is not logged in".to_owned()))?;
    Ok(Caller::Bot { client, us })
}

async fn or_gone(client: &Client, room: &RoomId, fault: Fault) -> Fault {
    match caller(client) {
        Ok(caller) => rooms::or_gone(caller, room, fault).await,
        Err(fault) => fault,
    }
}
