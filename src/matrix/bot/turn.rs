//! The SDK's own picture of the world: who has which devices, which keys came for us, who is in which room. It is brought up
//! to date in a turn of its own, while nothing is being sent.
//!
//! A send that waits for somebody's list of devices holds the lock that asking for that list needs (`key_claim_lock` of
//! matrix-sdk 0.18): side by side, both stand still for five seconds for each room, and keys that come meanwhile pile up in
//! one answer, of which the SDK keeps the last for each session and not the best.

use std::time::Duration;

use matrix_sdk::config::{SyncSettings, SyncToken as SdkToken};
use matrix_sdk::ruma::RoomId;
use matrix_sdk::ruma::api::client::sync::sync_events::v3::Response;
use matrix_sdk::ruma::presence::PresenceState;
use matrix_sdk::store::{StateStoreDataKey, StateStoreDataValue};
use matrix_sdk::{Client, EncryptionState, Room};
use tokio::sync::{RwLock, RwLockReadGuard};
use tokio::time::Instant;

use crate::matrix::wire::{Fault, filter};

/// The first sync of a new store brings every room; a thousand of them took 17 s.
const FIRST: Duration = Duration::from_mins(10);
/// A request that the SDK failed to make, for keys say, is made again in the next turn: that is never further away.
const AT_LEAST_EVERY: Duration = Duration::from_secs(30);
/// Events of one room in an answer: the SDK has no use for what was written.
const TIMELINE: u32 = 1;

#[derive(Default)]
pub(super) struct Turn {
    gate: RwLock<()>,
}

/// When the SDK has last been brought up to date; none after trouble.
pub(super) type Turned = Option<Instant>;

impl Turn {
    /// Held by a send for as long as it lasts.
    pub(super) async fn sending(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read().await
    }

    /// Makes the SDK know who is in an encrypted room, and their devices, before it first writes there: it would learn of them
    /// in the middle of the send, and wait there for an answer that nobody is asking for.
    pub(super) async fn introduce(&self, client: &Client, room: &RoomId) -> Result<(), Fault> {
        let strange = |room: &Room| {
            !matches!(room.encryption_state(), EncryptionState::NotEncrypted) && !room.are_members_synced()
        };
        let Some(room) = client.get_room(room).filter(strange) else {
            return Ok(());
        };
        let _alone = self.gate.write().await;
        if strange(&room) {
            room.sync_members().await?;
            // The SDK asks for what it lacks when it begins to sync; from where it stands, which is nothing to us.
            take_in(
                client,
                SyncSettings::new()
                    .token(SdkToken::ReusePrevious)
                    .timeout(Duration::ZERO),
            )
            .await?;
        }
        Ok(())
    }

    /// Has the SDK take in everything as of now; gives the position. For a store that knows nothing yet.
    pub(super) async fn first(&self, client: &Client) -> Result<String, Fault> {
        let _alone = self.gate.write().await;
        let settings = SyncSettings::new().token(SdkToken::NoToken).timeout(FIRST);
        take_in(client, settings).await
    }

    /// Has the SDK take in what has happened since a position, if that, or the time, asks for it.
    pub(super) async fn after(
        &self,
        client: &Client,
        since: &str,
        answer: &Response,
        turned: &mut Turned,
    ) -> Result<(), Fault> {
        let is_due = turned.is_none_or(|at| at.elapsed() >= AT_LEAST_EVERY);
        if !is_due && !concerns_the_sdk(answer) {
            return Ok(());
        }
        let _alone = self.gate.write().await;
        *turned = None;
        let settings = SyncSettings::new().token(since).timeout(Duration::ZERO);
        take_in(client, settings).await?;
        *turned = Some(Instant::now());
        Ok(())
    }
}

async fn take_in(client: &Client, settings: SyncSettings) -> Result<String, Fault> {
    let settings = settings
        .filter(filter(TIMELINE).into())
        .set_presence(PresenceState::Offline);
    Ok(client.sync_once(settings).await?.next_batch)
}

/// Whether the SDK's store has ever taken anything in.
pub(super) async fn is_new(client: &Client) -> Result<bool, Fault> {
    let known = client.state_store().get_kv_data(StateStoreDataKey::SyncToken).await;
    let known = known.map_err(|error| Fault::busy(error.to_string()))?;
    Ok(known.and_then(StateStoreDataValue::into_sync_token).is_none())
}

/// Keys, devices, rooms that we are new in or out of, and what is now so in a room; not what people write, read and send.
fn concerns_the_sdk(answer: &Response) -> bool {
    let rooms = &answer.rooms;
    let joined = || {
        rooms.join.values().any(|room| {
            let mut events = room.timeline.events.iter();
            !room.state.is_empty()
                || events.any(|event| event.get_field::<String>("state_key").ok().flatten().is_some())
        })
    };
    !answer.to_device.events.is_empty()
        || !answer.device_lists.is_empty()
        || !rooms.invite.is_empty()
        || !rooms.leave.is_empty()
        || joined()
}
