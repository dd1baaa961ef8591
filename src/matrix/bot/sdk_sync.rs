//! The SDK's own sync: device lists, keys for us, members of rooms. It runs exclusively, while nothing is being sent.
//!
//! A send that waits for a user's device list holds the lock that requesting the list needs (`key_claim_lock` of matrix-sdk
//! 0.18). Side by side, both stall for five seconds for each room; meanwhile keys pile up in one answer, of which the SDK
//! keeps the last for each session and not the best.

use std::time::Duration;

use matrix_sdk::config::{SyncSettings, SyncToken as SdkToken};
use matrix_sdk::ruma::RoomId;
use matrix_sdk::ruma::api::client::sync::sync_events::v3::Response;
use matrix_sdk::ruma::presence::PresenceState;
use matrix_sdk::store::{StateStoreDataKey, StateStoreDataValue};
use matrix_sdk::{Client, EncryptionState, Room};
use tokio::sync::{RwLock, RwLockReadGuard};
use tokio::time::Instant;

use crate::matrix::wire::{Fault, sdk_filter};

/// Deadline of the first sync of a new store, which brings every room; a thousand took 17 s.
const INITIAL_TIMEOUT: Duration = Duration::from_mins(10);
/// Maximum time between two syncs: the SDK repeats a failed request, such as for keys, only in its next one.
const MAX_INTERVAL: Duration = Duration::from_secs(30);
/// Maximum number of a room's changes in an answer; a room that is made has about twenty.
const TIMELINE: u32 = 100;
/// The same in the first answer, which brings the state of every room anyway.
const INITIAL_TIMELINE: u32 = 1;

/// Serializes the SDK's sync against sends.
#[derive(Default)]
pub(super) struct SdkSync {
    /// Read by sends, written by syncs.
    gate: RwLock<()>,
}

/// Time of the SDK's last sync; none after a failure.
pub(super) type LastSdkSync = Option<Instant>;

impl SdkSync {
    /// Locks out syncs for the duration of a send.
    pub(super) async fn lock_for_send(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read().await
    }

    /// Loads the members of an encrypted room and their devices before the first send into it. Otherwise the SDK would
    /// load them in the middle of the send, and wait there for a sync that the send itself locks out.
    pub(super) async fn load_members(&self, client: &Client, room: &RoomId) -> Result<(), Fault> {
        let is_incomplete = |room: &Room| {
            !matches!(room.encryption_state(), EncryptionState::NotEncrypted) && !room.are_members_synced()
        };
        let Some(room) = client.get_room(room).filter(is_incomplete) else {
            return Ok(());
        };
        let _exclusive = self.gate.write().await;
        if is_incomplete(&room) {
            room.sync_members().await?;
            // The SDK requests missing device lists at the start of a sync, from its own position, which is not ours.
            sync_on(client).await?;
        }
        Ok(())
    }

    /// Runs the first sync of an empty store. Returns the position.
    pub(super) async fn initial(&self, client: &Client) -> Result<String, Fault> {
        let _exclusive = self.gate.write().await;
        let settings = SyncSettings::new().token(SdkToken::NoToken).timeout(INITIAL_TIMEOUT);
        sync_once(client, settings, INITIAL_TIMELINE).await
    }

    /// Runs a sync from `since`, if `answer` has anything for the SDK or the last one is too long ago.
    pub(super) async fn catch_up(
        &self,
        client: &Client,
        since: &str,
        answer: &Response,
        last: &mut LastSdkSync,
    ) -> Result<(), Fault> {
        let is_due = last.is_none_or(|at| at.elapsed() >= MAX_INTERVAL);
        if !is_due && !concerns_the_sdk(answer) {
            return Ok(());
        }
        let _exclusive = self.gate.write().await;
        // Stays none if the sync fails, so that the next one is due at once.
        *last = None;
        let settings = SyncSettings::new().token(since).timeout(Duration::ZERO);
        sync_once(client, settings, TIMELINE).await?;
        *last = Some(Instant::now());
        Ok(())
    }

    /// Runs a sync from the SDK's own position, if the last one is too long ago.
    pub(super) async fn keep_up(&self, client: &Client, last: &mut LastSdkSync) -> Result<(), Fault> {
        if last.is_some_and(|at| at.elapsed() < MAX_INTERVAL) {
            return Ok(());
        }
        let _exclusive = self.gate.write().await;
        *last = None;
        sync_on(client).await?;
        *last = Some(Instant::now());
        Ok(())
    }
}

/// Runs a sync from the SDK's own position.
async fn sync_on(client: &Client) -> Result<(), Fault> {
    let settings = SyncSettings::new()
        .token(SdkToken::ReusePrevious)
        .timeout(Duration::ZERO);
    sync_once(client, settings, TIMELINE).await.map(drop)
}

async fn sync_once(client: &Client, settings: SyncSettings, timeline: u32) -> Result<String, Fault> {
    let settings = settings
        .filter(sdk_filter(timeline).into())
        .set_presence(PresenceState::Offline);
    Ok(client.sync_once(settings).await?.next_batch)
}

/// Returns whether the SDK's store is empty.
pub(super) async fn is_new(client: &Client) -> Result<bool, Fault> {
    let known = client.state_store().get_kv_data(StateStoreDataKey::SyncToken).await;
    let known = known.map_err(|error| Fault::busy(error.to_string()))?;
    Ok(known.and_then(StateStoreDataValue::into_sync_token).is_none())
}

/// Returns whether an answer has keys, device lists, joined or left rooms, or state; messages and receipts do not
/// count.
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
