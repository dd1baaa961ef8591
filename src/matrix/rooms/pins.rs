//! Pins events in rooms.

use matrix_sdk::ruma::api::client::state::get_state_event_for_key;
use matrix_sdk::ruma::events::StateEventType;
use matrix_sdk::ruma::{EventId, RoomId};

use super::caller::{Caller, send};
use super::events::or_gone;
use super::state;
use crate::matrix::wire::{Fault, pinned};

/// Pins an event beside those that are pinned, unless it is.
pub async fn pin(caller: Caller<'_>, room: &RoomId, event: &EventId) -> Result<(), Fault> {
    let request =
        get_state_event_for_key::v3::Request::new(room.to_owned(), StateEventType::RoomPinnedEvents, String::new());
    let present = match send!(caller, request) {
        Ok(answer) => answer.event_or_content.get().to_owned(),
        // None is pinned yet. (Of a room that is gone the change tells.)
        Err(Fault::Missing(_)) => String::new(),
        Err(fault) => return Err(or_gone(caller, room, fault).await),
    };
    let Some(wanted) = pinned(&present, event.as_str()) else {
        return Ok(());
    };
    match state::set(caller, room.to_owned(), &wanted).await {
        Ok(()) => Ok(()),
        Err(fault) => Err(or_gone(caller, room, fault).await),
    }
}
