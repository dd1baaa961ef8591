//! The Space that holds the rooms, created once.

use matrix_sdk::ruma::api::client::state::get_state_event_for_key;
use matrix_sdk::ruma::events::StateEventType;
use matrix_sdk::ruma::{OwnedRoomId, RoomId};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::caller::{Caller, send};
use super::making::{self, Kind, Plan};
use super::state;
use crate::domain::MatrixUserId;
use crate::matrix::options::SpaceOptions;
use crate::matrix::wire::{Fault, Wanted, via};

/// Members and name of the Space.
#[derive(Clone, Copy)]
pub struct Team<'a> {
    /// Its alias and name.
    pub space: &'a SpaceOptions,
    /// Users who answer customers.
    pub agents: &'a [MatrixUserId],
    /// User who is notified of trouble.
    pub owner: Option<&'a MatrixUserId>,
    /// Version of new rooms and Spaces; none: the homeserver's own.
    pub room_version: Option<&'a str>,
}

/// Caches the Space's room id once it has been checked in this run.
#[derive(Default)]
pub struct Space {
    room: Mutex<Option<Checked>>,
}

/// The Space as it was checked last.
struct Checked {
    room: OwnedRoomId,
    /// Former agents who are not in it.
    excluded: Vec<MatrixUserId>,
}

impl Space {
    /// Returns the Space; creates or updates it at the first call of a run, and when other users must not be in it.
    pub async fn ensure(
        &self,
        caller: Caller<'_>,
        team: Team<'_>,
        exclude: &[MatrixUserId],
    ) -> Result<OwnedRoomId, Fault> {
        let mut known = self.room.lock().await;
        if let Some(checked) = &*known
            && exclude.iter().all(|user| checked.excluded.contains(user))
        {
            return Ok(checked.room.clone());
        }
        let agents = team.agents.iter().filter(|agent| !exclude.contains(agent));
        let owner = team.owner.filter(|owner| !team.agents.contains(owner));
        let invite: Vec<_> = agents.chain(owner).cloned().collect();
        let plan = Plan {
            alias: &team.space.alias,
            wanted: vec![Wanted::new("m.room.name", "", json!({"name": team.space.name}))],
            invite: &invite,
            exclude,
            kind: Kind::Space,
            version: team.room_version,
        };
        let room = making::ensure(caller, &plan).await?;
        *known = Some(Checked {
            room: room.clone(),
            excluded: exclude.to_vec(),
        });
        Ok(room)
    }

    /// Adds the room to the Space, unless it is in it.
    pub async fn add_room(&self, caller: Caller<'_>, space: &RoomId, room: &RoomId) -> Result<(), Fault> {
        match has_child(caller, space, room).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(fault) => {
                // We may have been removed from the Space: the next call checks it again.
                self.room.lock().await.take();
                return Err(fault);
            }
        }
        let link = Wanted::new(
            "m.space.child",
            room.as_str(),
            json!(via(caller.us().server_name().as_str())),
        );
        state::set(caller, space.to_owned(), &link).await
    }
}

async fn has_child(caller: Caller<'_>, space: &RoomId, room: &RoomId) -> Result<bool, Fault> {
    let kind = StateEventType::SpaceChild;
    let request = get_state_event_for_key::v3::Request::new(space.to_owned(), kind, room.to_string());
    match send!(caller, request) {
        // A removed link has empty content.
        Ok(found) => Ok(serde_json::from_str::<Value>(found.event_or_content.get())?["via"].is_array()),
        Err(Fault::Missing(_)) => Ok(false),
        Err(fault) => Err(fault),
    }
}
