//! Requests for a room's state.

use matrix_sdk::ruma::api::client::state::{get_state_events, send_state_event};
use matrix_sdk::ruma::events::StateEventType;
use matrix_sdk::ruma::serde::Raw;
use matrix_sdk::ruma::{OwnedRoomId, RoomId};
use serde_json::value::to_raw_value;

use super::caller::{Caller, send};
use crate::matrix::wire::{Fault, RoomState, Wanted};

/// Reads the state of a room.
///
/// # Errors
/// [`Fault::Forbidden`] or [`Fault::Missing`] for a room that we are not in or whose creation was cut off.
pub async fn read(caller: Caller<'_>, room: &RoomId) -> Result<RoomState, Fault> {
    let request = get_state_events::v3::Request::new(room.to_owned());
    Ok(RoomState::of(&send!(caller, request)?.room_state))
}

/// Sets the state that differs; equal state costs no request.
pub async fn apply(caller: Caller<'_>, room: &RoomId, current: &RoomState, wanted: &[Wanted]) -> Result<(), Fault> {
    for wanted in wanted.iter().filter(|wanted| !current.satisfies(wanted)) {
        set(caller, room.to_owned(), wanted).await?;
    }
    Ok(())
}

/// Sets one piece of state.
pub async fn set(caller: Caller<'_>, room: OwnedRoomId, wanted: &Wanted) -> Result<(), Fault> {
    let content = Raw::from_json(to_raw_value(&wanted.content)?);
    let kind = StateEventType::from(wanted.kind);
    let request = send_state_event::v3::Request::new_raw(room, kind, wanted.key.clone(), content);
    send!(caller, request)?;
    Ok(())
}
