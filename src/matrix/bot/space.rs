//! The Space that holds the rooms, created once.

use matrix_sdk::Client;
use matrix_sdk::ruma::api::client::state::get_state_event_for_key;
use matrix_sdk::ruma::events::StateEventType;
use matrix_sdk::ruma::{OwnedRoomId, RoomId, UserId};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::rooms::{self, Kind, Plan};
use super::state;
use crate::domain::MatrixUserId;
use crate::matrix::options::MatrixOptions;
use crate::matrix::wire::{Fault, Wanted, via};

/// Caches the Space's room id once it has been checked in this run.
#[derive(Default)]
pub(super) struct Space {
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
    pub(super) async fn ensure(
        &self,
        client: &Client,
        us: &UserId,
        options: &MatrixOptions,
        exclude: &[MatrixUserId],
    ) -> Result<OwnedRoomId, Fault> {
        let mut known = self.room.lock().await;
        if let Some(checked) = &*known
            && exclude.iter().all(|user| checked.excluded.contains(user))
        {
            return Ok(checked.room.clone());
        }
        let mut invite: Vec<_> = options
            .agents
            .iter()
            .filter(|agent| !exclude.contains(agent))
            .cloned()
            .collect();
        invite.extend(
            options
                .owner
                .iter()
                .filter(|owner| !options.agents.contains(owner))
                .cloned(),
        );
        let plan = Plan {
            alias: &options.space.alias,
            wanted: vec![Wanted::new("m.room.name", "", json!({"name": options.space.name}))],
            invite: &invite,
            exclude,
            kind: Kind::Space,
        };
        let room = rooms::ensure(client, us, &plan).await?;
        *known = Some(Checked {
            room: room.clone(),
            excluded: exclude.to_vec(),
        });
        Ok(room)
    }

    /// Adds the room to the Space, unless it is in it.
    pub(super) async fn add_room(
        &self,
        client: &Client,
        us: &UserId,
        space: &RoomId,
        room: &RoomId,
    ) -> Result<(), Fault> {
        match has_child(client, space, room).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(fault) => {
                // The bot may have been removed from the Space: the next call checks it again.
                self.room.lock().await.take();
                return Err(fault);
            }
        }
        let link = Wanted::new("m.space.child", room.as_str(), json!(via(us.server_name().as_str())));
        state::set(client, space.to_owned(), &link).await
    }
}

async fn has_child(client: &Client, space: &RoomId, room: &RoomId) -> Result<bool, Fault> {
    let kind = StateEventType::SpaceChild;
    let request = get_state_event_for_key::v3::Request::new(space.to_owned(), kind, room.to_string());
    match client.send(request).await.map_err(Fault::from) {
        // A removed link has empty content.
        Ok(found) => Ok(serde_json::from_str::<Value>(found.event_or_content.get())?["via"].is_array()),
        Err(Fault::Missing(_)) => Ok(false),
        Err(fault) => Err(fault),
    }
}
