//! The filters of `/sync`.
//!
//! No two filters are equal. Synapse answers an equal request within two minutes from a cache
//! (`sync_response_cache_duration`), whose "now" may be long past; so each filter excludes another random event type.

use matrix_sdk::ruma::UInt;
use matrix_sdk::ruma::api::client::filter::{FilterDefinition, RoomEventFilter};
use rand::TryRng as _;
use rand::rngs::SysRng;

/// Types of the events that are in a conversation and change no state.
const NO_STATE: [&str; 10] = [
    "m.room.encrypted",
    "m.room.message",
    "m.room.redaction",
    "m.reaction",
    "m.sticker",
    "m.poll.*",
    "org.matrix.msc3381.poll.*",
    "m.call.*",
    "m.key.verification.*",
    "com.beeper.message_send_status",
];

/// Returns a filter without presence and account data, with at most `timeline` events a room. It includes all
/// members of a room, also agents who have not written yet: a send need not wait for the keys of members that a sync
/// has brought.
pub fn filter(timeline: u32) -> FilterDefinition {
    let mut filter = FilterDefinition::default();
    filter.presence.not_types = vec!["*".to_owned(), random_type()];
    filter.room.account_data.not_types = vec!["*".to_owned()];
    filter.room.ephemeral.types = Some(vec!["m.receipt".to_owned(), "m.typing".to_owned()]);
    filter.room.timeline.limit = Some(UInt::from(timeline));
    filter
}

/// Returns the filter for the SDK's own requests: the state of rooms, which includes their members, and no messages.
///
/// An answer that leaves out events of a room makes the SDK load all its members again, and end the session that their
/// messages are encrypted with. Messages would fill the answer; at most `timeline` changes of state seldom do.
pub fn sdk_filter(timeline: u32) -> FilterDefinition {
    let mut filter = filter(timeline);
    filter.room.ephemeral = RoomEventFilter::ignore_all();
    filter.room.timeline.not_types = NO_STATE.map(str::to_owned).to_vec();
    filter
}

/// Returns a filter that lets nothing through: only the position is of interest.
pub fn position_filter() -> FilterDefinition {
    let mut filter = FilterDefinition::ignore_all();
    filter.presence.not_types.push(random_type());
    filter
}

fn random_type() -> String {
    // Without randomness the filter is still right, only cached.
    format!("crm.{:x}", SysRng.try_next_u64().unwrap_or_default())
}
