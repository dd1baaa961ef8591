//! The management room: for managers alone, outside the Space. It tells of accounts, gaps, failed sends and limits, shows the
//! codes by which a device is linked, and takes commands about accounts. Being in it gives no right: the role decides each
//! command. Nothing that is written there goes to a customer.

mod codes;
mod inbound;
pub(crate) mod overview;
mod reports;
pub(crate) mod wants;
mod worker;

use futures_util::FutureExt;

use crate::bridge::core::Core;
use crate::domain::agent::Agent;
use crate::domain::matrix::{Matrix, MatrixError};
use crate::domain::{MatrixRoomId, MatrixUserId};
use crate::store::{Store, StoreError};

use super::spec;
use wants::{Place, is_member};

pub(crate) use inbound::take_in;
pub use worker::ManagementRoom;

/// Reason why there is no room.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoRoom {
    /// The homeserver refused or did not answer.
    #[error(transparent)]
    Port(#[from] MatrixError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Returns the Matrix users who belong into the room, and those of all other agents, who do not, with those that agents had
/// before.
pub(crate) async fn members(store: &Store) -> Result<(Vec<MatrixUserId>, Vec<MatrixUserId>), StoreError> {
    let agents = store.agents().list().await?;
    let (inside, outside): (Vec<_>, Vec<_>) = agents.into_iter().partition(is_member);
    let users = |agents: Vec<Agent>| agents.into_iter().filter_map(|agent| agent.matrix_user);
    let former = store.agents().former().await?.into_iter().map(|(_, user)| user);
    Ok((users(inside).collect(), users(outside).chain(former).collect()))
}

/// Returns the room with its present members: found, or made if anybody belongs into it. Who does not is put out.
pub(crate) async fn ensure(core: &Core, port: &dyn Matrix) -> Result<Option<MatrixRoomId>, NoRoom> {
    let (invite, exclude) = members(&core.store).await?;
    let known = wants::place_in(&core.store).await?;
    if invite.is_empty() && known == Place::None {
        return Ok(None);
    }
    if known == Place::None {
        // Before it is made: what a manager writes at once in a room that is not stored yet waits until it is.
        store(core, Place::Making).await?;
    }
    let room = port.ensure_room(&spec::management(core, invite, exclude)).await?;
    if !known.is(&room) {
        store(core, Place::Room(room.clone())).await?;
    }
    Ok(Some(room))
}

async fn store(core: &Core, place: Place) -> Result<(), StoreError> {
    core.write(place, |tx, place| {
        async move { wants::set_place(tx, place).await }.boxed()
    })
    .await
}
