//! Requests by which one of our logins hands a room to another one, and by which the other one takes it.

use matrix_sdk::ruma::api::client::alias::delete_alias;
use matrix_sdk::ruma::api::client::membership::{invite_user, join_room_by_id};
use matrix_sdk::ruma::api::client::state::send_state_event;
use matrix_sdk::ruma::events::StateEventType;
use matrix_sdk::ruma::serde::Raw;
use matrix_sdk::ruma::{OwnedRoomId, RoomId, UserId};
use serde_json::json;
use serde_json::value::to_raw_value;

use super::caller::{Caller, send};
use super::making;
use super::state;
use crate::domain::MatrixEventId;
use crate::domain::moving::Logins;
use crate::matrix::wire::{FENCE, Fault, RoomState, Wanted};

/// Returns the room of an alias if we are in it and one of our logins made it.
pub async fn find(caller: Caller<'_>, alias: &str, logins: &Logins) -> Result<Option<OwnedRoomId>, Fault> {
    for alias in making::aliases(alias, caller.us())? {
        let Some(room) = making::resolve(caller, &alias).await? else {
            return Ok(None);
        };
        match state::read(caller, &room).await {
            Ok(current) if making::is_of(&current, caller.us(), None, logins) && is_inside(&current, caller) => {
                return Ok(Some(room));
            }
            Ok(_) | Err(Fault::Forbidden(_) | Fault::Missing(_)) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(None)
}

fn is_inside(current: &RoomState, caller: Caller<'_>) -> bool {
    current.has_joined(caller.us().as_str()) && !current.is_replaced()
}

/// Invites another login of ours into a room, unless it is there, or could not read what is written there. Returns whether
/// the room is encrypted.
pub async fn invite_heir(
    caller: Caller<'_>,
    room: &RoomId,
    heir: &UserId,
    reads_encrypted: bool,
) -> Result<bool, Fault> {
    let current = read(caller, room).await?;
    if current.is_encrypted() && !reads_encrypted {
        return Ok(true);
    }
    if !current.is_member_or_invited(heir.as_str()) {
        // Not through the SDK, which would share keys with whom it is no agent.
        let heir = invite_user::v3::InviteUserId::new(heir.to_owned());
        let recipient = invite_user::v3::InvitationRecipient::UserId(heir);
        send!(caller, invite_user::v3::Request::new(room.to_owned(), recipient))?;
    }
    Ok(current.is_encrypted())
}

/// Enters a room.
pub async fn enter(caller: Caller<'_>, room: &RoomId) -> Result<(), Fault> {
    send!(caller, join_room_by_id::v3::Request::new(room.to_owned()))?;
    Ok(())
}

/// Gives another login of ours the power to do all that we do, unless it has it.
pub async fn empower(caller: Caller<'_>, room: &RoomId, heir: &UserId) -> Result<(), Fault> {
    let current = read(caller, room).await?;
    match current.with_power_of(heir.as_str()) {
        Some(levels) => {
            let levels = Wanted::new("m.room.power_levels", "", levels);
            state::set(caller, room.to_owned(), &levels).await
        }
        None => Ok(()),
    }
}

/// Sets the fence of a room. Synapse answers a repeat of equal state with the event that is there.
pub async fn set_fence(caller: Caller<'_>, room: &RoomId) -> Result<MatrixEventId, Fault> {
    let content = Raw::from_json(to_raw_value(&json!({"keeper": caller.us()}))?);
    let kind = StateEventType::from(FENCE);
    let request = send_state_event::v3::Request::new_raw(room.to_owned(), kind, String::new(), content);
    Ok(MatrixEventId(send!(caller, request)?.event_id.to_string()))
}

/// Takes an alias from a room.
pub async fn release(caller: Caller<'_>, room: &RoomId, alias: &str) -> Result<(), Fault> {
    for alias in making::aliases(alias, caller.us())? {
        if making::resolve(caller, &alias)
            .await?
            .is_some_and(|found| found == room)
        {
            send!(caller, delete_alias::v3::Request::new(alias))?;
        }
    }
    Ok(())
}

/// Ends a room that another one replaces. First nobody but us can write there: after the tombstone nothing is read.
pub async fn bury(caller: Caller<'_>, room: &RoomId, next: &RoomId) -> Result<MatrixEventId, Fault> {
    let current = read(caller, room).await?;
    if let Some(levels) = current.silent() {
        let levels = Wanted::new("m.room.power_levels", "", levels);
        state::set(caller, room.to_owned(), &levels).await?;
    }
    let body = "This conversation goes on in another room.";
    let content = json!({"body": body, "replacement_room": next});
    let content = Raw::from_json(to_raw_value(&content)?);
    let kind = StateEventType::RoomTombstone;
    let request = send_state_event::v3::Request::new_raw(room.to_owned(), kind, String::new(), content);
    Ok(MatrixEventId(send!(caller, request)?.event_id.to_string()))
}

/// Reads the state of a room that we are in.
async fn read(caller: Caller<'_>, room: &RoomId) -> Result<RoomState, Fault> {
    let current = match state::read(caller, room).await {
        Err(Fault::Forbidden(why) | Fault::Missing(why)) => return Err(Fault::Gone(why)),
        read => read?,
    };
    if !current.has_joined(caller.us().as_str()) {
        return Err(Fault::Gone(format!(
            "our user {} is no longer in the room {room}",
            caller.us()
        )));
    }
    Ok(current)
}
