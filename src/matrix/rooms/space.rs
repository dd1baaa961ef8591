//! The Space that holds the rooms, created once.

use matrix_sdk::ruma::api::client::state::get_state_event_for_key;
use matrix_sdk::ruma::events::StateEventType;
use matrix_sdk::ruma::{OwnedRoomId, RoomId};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::caller::{Caller, send};
use super::making::{self, Kind, Plan};
use super::state;
use crate::domain::moving::Logins;
use crate::domain::{MatrixRoomId, MatrixUserId};
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
    /// Users that are or were this desk's own.
    pub logins: &'a Logins,
    /// Version of new rooms and Spaces; none: the homeserver's own.
    pub room_version: Option<&'a str>,
}

/// Caches the Space's room id once it has been checked in this run.
#[derive(Default)]
pub struct Space {
    room: Mutex<Option<Checked>>,
    /// Users who belong into it, once they are known better than from the settings.
    members: Mutex<Option<Members>>,
}

/// Users to invite, and users to put out.
#[derive(Clone)]
struct Members {
    invite: Vec<MatrixUserId>,
    exclude: Vec<MatrixUserId>,
}

/// The Space as it was checked last.
struct Checked {
    room: OwnedRoomId,
    /// Former agents who are not in it.
    excluded: Vec<MatrixUserId>,
}

impl Space {
    /// Sets who belongs into the Space; the next call brings it up to date.
    pub async fn set_members(&self, invite: &[MatrixUserId], exclude: &[MatrixUserId]) {
        let mut known = self.room.lock().await;
        *self.members.lock().await = Some(Members {
            invite: invite.to_vec(),
            exclude: exclude.to_vec(),
        });
        *known = None;
    }

    /// Returns the Space; creates or updates it at the first call of a run, and when other users must not be in it.
    pub async fn ensure(
        &self,
        caller: Caller<'_>,
        team: Team<'_>,
        exclude: &[MatrixUserId],
    ) -> Result<OwnedRoomId, Fault> {
        let mut known = self.room.lock().await;
        let members = self.members.lock().await.clone();
        let (agents, exclude) = match &members {
            Some(members) => (members.invite.as_slice(), members.exclude.as_slice()),
            None => (team.agents, exclude),
        };
        if let Some(checked) = &*known
            && exclude.iter().all(|user| checked.excluded.contains(user))
        {
            return Ok(checked.room.clone());
        }
        let owner = team
            .owner
            .filter(|owner| !agents.contains(owner) && !exclude.contains(owner));
        let agents = agents.iter().filter(|agent| !exclude.contains(agent));
        let invite: Vec<_> = agents.chain(owner).cloned().collect();
        let plan = Plan {
            alias: &team.space.alias,
            wanted: vec![Wanted::new("m.room.name", "", json!({"name": team.space.name}))],
            invite: &invite,
            allow: &[],
            exclude,
            kind: Kind::Space,
            creator: None,
            logins: team.logins,
            replaces: None,
            version: team.room_version,
        };
        let room = making::ensure(caller, &plan).await?;
        *known = Some(Checked {
            room: room.clone(),
            excluded: exclude.to_vec(),
        });
        Ok(room)
    }

    /// Takes a room out of the Space that another one replaces.
    pub async fn drop_room(&self, caller: Caller<'_>, space: &RoomId, room: &MatrixRoomId) -> Result<(), Fault> {
        let room = RoomId::parse(room.as_str())?;
        if has_child(caller, space, &room).await? {
            let link = Wanted::new("m.space.child", room.as_str(), json!({}));
            state::set(caller, space.to_owned(), &link).await?;
        }
        Ok(())
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
        link(caller, space, room, None).await
    }
}

/// Makes a room a child of a Space. `order`: its place among the others.
pub(super) async fn link(caller: Caller<'_>, space: &RoomId, room: &RoomId, order: Option<&str>) -> Result<(), Fault> {
    let mut content = json!(via(caller.us().server_name().as_str()));
    if let Some(order) = order {
        content["order"] = json!(order);
    }
    let link = Wanted::new("m.space.child", room.as_str(), content);
    state::set(caller, space.to_owned(), &link).await
}

/// Takes a room out of a Space.
pub(super) async fn unlink(caller: Caller<'_>, space: &RoomId, room: &RoomId) -> Result<(), Fault> {
    let nothing = Wanted::new("m.space.child", room.as_str(), json!({}));
    state::set(caller, space.to_owned(), &nothing).await
}

pub(super) async fn has_child(caller: Caller<'_>, space: &RoomId, room: &RoomId) -> Result<bool, Fault> {
    let kind = StateEventType::SpaceChild;
    let request = get_state_event_for_key::v3::Request::new(space.to_owned(), kind, room.to_string());
    match send!(caller, request) {
        // A removed link has empty content.
        Ok(found) => Ok(serde_json::from_str::<Value>(found.event_or_content.get())?["via"].is_array()),
        Err(Fault::Missing(_)) => Ok(false),
        Err(fault) => Err(fault),
    }
}
