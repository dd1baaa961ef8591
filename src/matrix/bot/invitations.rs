//! Invitations: declined, all of them (rule 1). Our rooms are made by ourselves.

use std::collections::HashMap;
use std::time::Duration;

use matrix_sdk::Client;
use matrix_sdk::ruma::OwnedRoomId;
use matrix_sdk::ruma::api::client::membership::leave_room;
use tokio::sync::Mutex;

use crate::matrix::wire::Fault;

/// A foreign homeserver may never answer.
const DECLINE: Duration = Duration::from_secs(10);
/// Tries for one invitation in one run of the program.
const MAX_TRIES: u8 = 3;
/// Invitations declined at one time; the next sync goes on.
const MAX_AT_ONCE: usize = 20;

/// Remembers which invitations would not be declined.
#[derive(Default)]
pub(super) struct Invitations {
    tries: Mutex<HashMap<OwnedRoomId, u8>>,
}

impl Invitations {
    /// Declines what there is, unless somebody is at it already.
    pub(super) async fn decline(&self, client: &Client) {
        let Ok(mut tries) = self.tries.try_lock() else { return };
        let invited = client.invited_rooms();
        tries.retain(|room, _| invited.iter().any(|invited| invited.room_id() == room));
        let willing = invited
            .iter()
            .map(|room| room.room_id().to_owned())
            .filter(|room| tries.get(room).is_none_or(|tries| *tries < MAX_TRIES))
            .take(MAX_AT_ONCE)
            .collect::<Vec<_>>();
        for room in willing {
            *tries.entry(room.clone()).or_default() += 1;
            let request = leave_room::v3::Request::new(room.clone());
            let declined = tokio::time::timeout(DECLINE, client.send(request)).await;
            match declined.map(|done| done.map_err(Fault::from)) {
                Ok(Ok(_)) => {
                    tracing::info!(%room, "an invitation was declined: we are only in rooms of our own making");
                }
                Ok(Err(fault)) => tracing::warn!(%room, "an invitation could not be declined: {fault}"),
                Err(_) => tracing::warn!(%room, "an invitation could not be declined in time"),
            }
        }
    }
}
