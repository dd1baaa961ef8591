//! What every question for news has in common, ours and the SDK's.

use matrix_sdk::ruma::UInt;
use matrix_sdk::ruma::api::client::filter::FilterDefinition;
use rand::TryRng as _;
use rand::rngs::SysRng;

/// Only what we have a use for: no presence, no typing, no notes about rooms. With everybody who is in a room, agents who
/// have not said a word yet too: whose keys are asked for in a turn need not be waited for by a send.
///
/// No two are alike: Synapse answers the same question within two minutes from its memory (`sync_response_cache_duration`), and
/// what it remembers as "now" may be long past. So a type that there is none of is not wanted, another each time.
pub fn filter(timeline: u32) -> FilterDefinition {
    let mut filter = FilterDefinition::default();
    // Without randomness the question is right but for that memory.
    let unlike_others = format!("crm.{:x}", SysRng.try_next_u64().unwrap_or_default());
    filter.presence.not_types = vec!["*".to_owned(), unlike_others];
    filter.room.account_data.not_types = vec!["*".to_owned()];
    filter.room.ephemeral.types = Some(vec!["m.receipt".to_owned()]);
    filter.room.timeline.limit = Some(UInt::from(timeline));
    filter
}
