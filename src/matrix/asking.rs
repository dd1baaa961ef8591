//! What every question for news has in common, ours and the SDK's.

use std::time::Duration;

use matrix_sdk::ruma::UInt;
use matrix_sdk::ruma::api::client::filter::FilterDefinition;
use rand::TryRng as _;
use rand::rngs::SysRng;

/// By so much at most a wait is made longer, at random.
const SPREAD: Duration = Duration::from_secs(1);

/// A wait that no other request has: Synapse answers the same request within two minutes from its memory
/// (`sync_response_cache_duration`), and what it remembers as "now" may be long past.
pub(super) fn unlike_others(wait: Duration) -> Duration {
    // Without randomness it is the plain wait, which is right but for that memory.
    let random = SysRng.try_next_u32().unwrap_or(0);
    wait + SPREAD.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

/// Only what we have a use for: no presence, no typing, no notes about rooms. With everybody who is in a room, agents who
/// have not said a word yet too: whose keys are asked for in a turn need not be waited for by a send.
pub(super) fn filter(timeline: u32) -> FilterDefinition {
    let mut filter = FilterDefinition::default();
    filter.presence.not_types = vec!["*".to_owned()];
    filter.room.account_data.not_types = vec!["*".to_owned()];
    filter.room.ephemeral.types = Some(vec!["m.receipt".to_owned()]);
    filter.room.timeline.limit = Some(UInt::from(timeline));
    filter
}
