//! Rooms and their Space, made and kept current in the same way by both adapters.

mod avatar;
mod caller;
mod events;
mod handing;
mod making;
mod pins;
mod space;
mod state;
mod sub_spaces;
mod upload;
mod version;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use matrix_sdk::ruma::{OwnedRoomId, RoomId};
use tokio::sync::{Mutex, MutexGuard};

pub use avatar::set_avatar;
pub use caller::Caller;
pub use events::{MAX_PAGES, PAGE, check_membership, mark_read, or_gone, redact, type_in, up_to};
pub use handing::{bury, empower, enter, find, invite_heir, release, set_fence};
pub use making::invite;
pub use pins::pin;
pub use space::Team;
pub use sub_spaces::put_into;
pub use upload::{read_file, upload_request};
pub use version::check_version;

use super::wire::Fault;
use crate::domain::MatrixUserId;
use crate::domain::matrix::RoomSpec;
use space::Space;

/// Number of locks that room creations are spread over.
const SHARDS: usize = 16;

/// What an adapter keeps to make rooms: the Space, and locks so that a room is created by one call at a time.
pub struct Rooms {
    space: Space,
    /// Locks of room creation, chosen by the alias.
    creating: [Mutex<()>; SHARDS],
}

impl Rooms {
    /// Returns the state before the first room.
    pub fn new() -> Self {
        Self {
            space: Space::default(),
            creating: std::array::from_fn(|_| Mutex::new(())),
        }
    }

    /// Finds or creates the Space, and invites who is missing.
    pub async fn ensure_space(
        &self,
        caller: Caller<'_>,
        team: Team<'_>,
        exclude: &[MatrixUserId],
    ) -> Result<OwnedRoomId, Fault> {
        self.space.ensure(caller, team, exclude).await
    }

    /// Sets who belongs into the Space, in place of the team's agents, and brings it up to date.
    pub async fn set_team(
        &self,
        caller: Caller<'_>,
        team: Team<'_>,
        invite: &[MatrixUserId],
        exclude: &[MatrixUserId],
    ) -> Result<(), Fault> {
        self.space.set_members(invite, exclude).await;
        Box::pin(self.space.ensure(caller, team, &[])).await.map(|_| ())
    }

    /// Finds or creates the room and adds it to the Space.
    pub async fn ensure(
        &self,
        caller: Caller<'_>,
        team: Team<'_>,
        spec: &RoomSpec,
        is_encrypted: bool,
    ) -> Result<OwnedRoomId, Fault> {
        let _exclusive = self.lock(&spec.alias).await;
        let space = self.space_of(caller, team, spec).await?;
        let mut plan = making::plan(spec, (space.as_deref(), team.logins), caller.us(), is_encrypted);
        plan.version = team.room_version;
        let room = Box::pin(making::ensure(caller, &plan)).await?;
        if let Some(space) = space {
            self.space.add_room(caller, &space, &room).await?;
            if let Some(replaced) = &spec.replaces {
                self.space.drop_room(caller, &space, replaced).await?;
            }
        }
        Ok(room)
    }

    /// Brings an existing room up to date.
    pub async fn update(
        &self,
        caller: Caller<'_>,
        team: Team<'_>,
        room: &RoomId,
        spec: &RoomSpec,
        is_encrypted: bool,
    ) -> Result<(), Fault> {
        let space = self.space_of(caller, team, spec).await?;
        let plan = making::plan(spec, (space.as_deref(), team.logins), caller.us(), is_encrypted);
        Box::pin(making::update(caller, room, &plan)).await
    }

    /// Waits until no other call creates the room of an alias.
    async fn lock(&self, alias: &str) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        alias.hash(&mut hasher);
        let shard = usize::try_from(hasher.finish() % SHARDS as u64).unwrap_or(0);
        self.creating[shard].lock().await
    }

    async fn space_of(
        &self,
        caller: Caller<'_>,
        team: Team<'_>,
        spec: &RoomSpec,
    ) -> Result<Option<OwnedRoomId>, Fault> {
        if spec.direct || spec.closed {
            return Ok(None);
        }
        Ok(Some(Box::pin(self.space.ensure(caller, team, &spec.exclude)).await?))
    }
}
