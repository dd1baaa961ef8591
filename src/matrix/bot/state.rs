//! A room's state, read from the homeserver and made good there.

use matrix_sdk::Client;
use matrix_sdk::ruma::api::client::state::{get_state_events, send_state_event};
use matrix_sdk::ruma::events::StateEventType;
use matrix_sdk::ruma::serde::Raw;
use matrix_sdk::ruma::{OwnedRoomId, RoomId};
use serde_json::value::to_raw_value;

use crate::matrix::wire::{Fault, Found, Wanted};

/// Reads the state of a room.
///
/// # Errors
/// `Forbidden` or `Missing` for a room that we are not in, or that was never finished.
pub(super) async fn read(client: &Client, room: &RoomId) -> Result<Found, Fault> {
    let request = get_state_events::v3::Request::new(room.to_owned());
    Ok(Found::of(&client.send(request).await?.room_state))
}

/// Sets what differs from what is wanted; what is so already costs nothing.
pub(super) async fn make_good(client: &Client, room: &RoomId, found: &Found, wanted: &[Wanted]) -> Result<(), Fault> {
    for wanted in wanted.iter().filter(|wanted| !found.meets(wanted)) {
        set(client, room.to_owned(), wanted).await?;
    }
    Ok(())
}

pub(super) async fn set(client: &Client, room: OwnedRoomId, wanted: &Wanted) -> Result<(), Fault> {
    let content = Raw::from_json(to_raw_value(&wanted.content)?);
    let kind = StateEventType::from(wanted.kind);
    let request = send_state_event::v3::Request::new_raw(room, kind, wanted.key.clone(), content);
    client.send(request).await?;
    Ok(())
}
