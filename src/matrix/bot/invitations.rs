//! Invitations: all are declined (rule 1), because the bot creates its rooms itself.

use std::collections::HashMap;
use std::time::Duration;

use matrix_sdk::Client;
use matrix_sdk::ruma::OwnedRoomId;
use matrix_sdk::ruma::api::client::membership::leave_room;
use tokio::sync::Mutex;

use crate::matrix::wire::Fault;

/// Deadline of one refusal: a foreign homeserver may never answer.
const DECLINE_TIMEOUT: Duration = Duration::from_secs(10);
/// Attempts for one invitation in one run of the program.
const MAX_TRIES: u8 = 3;
/// Invitations declined after one sync; the next sync continues.
const MAX_AT_ONCE: usize = 20;

/// Counts the attempts to decline each invitation.
#[derive(Default)]
pub(super) struct Invitations {
    tries: Mutex<HashMap<OwnedRoomId, u8>>,
}

impl Invitations {
    /// Declines open invitations, unless another call is doing so.
    pub(super) async fn decline(&self, client: &Client) {
        let Ok(mut tries) = self.tries.try_lock() else { return };
        let invited = client.invited_rooms();
        tries.retain(|room, _| invited.iter().any(|invited| invited.room_id() == room));
        let pending = invited
            .iter()
            .map(|room| room.room_id().to_owned())
            .filter(|room| tries.get(room).is_none_or(|tries| *tries < MAX_TRIES))
            .take(MAX_AT_ONCE)
            .collect::<Vec<_>>();
        for room in pending {
            *tries.entry(room.clone()).or_default() += 1;
            let request = leave_room::v3::Request::new(room.clone());
            let declined = tokio::time::timeout(DECLINE_TIMEOUT, client.send(request)).await;
            match declined.map(|done| done.map_err(Fault::from)) {
                Ok(Ok(_)) => {
                    tracing::info!(%room, "declined an invitation: the bot joins only rooms that it created");
                }
                Ok(Err(fault)) => {
                    tracing::warn!(%room, "could not decline an invitation: {fault}; trying again after the next sync");
                }
                Err(_) => {
                    tracing::warn!(%room, "could not decline an invitation: no answer in time; trying again after the next sync");
                }
            }
        }
    }
}
