//! What a `/sync` has left out: read back page by page, from where its piece of the timeline begins to where the last
//! one ended (rule 17; without this an agent's answers written during an outage are lost).

use matrix_sdk::Room;
use matrix_sdk::deserialized_responses::TimelineEvent;
use matrix_sdk::room::MessagesOptions;
use matrix_sdk::ruma::UInt;
use matrix_sdk::ruma::events::AnySyncTimelineEvent;
use matrix_sdk::ruma::serde::Raw;

use crate::matrix::wire::Fault;

/// Events in one page of a room's history.
const PAGE: u32 = 100;
/// Pages that are read back in one room; what is older than that is given up, and said to be.
const MAX_PAGES: usize = 50;

/// Events between two positions, oldest first.
pub(super) struct Filled {
    pub(super) events: Vec<Raw<AnySyncTimelineEvent>>,
    /// Whether older ones were given up.
    pub(super) is_cut: bool,
}

/// Reads back from `from` to `to`, without what we wrote ourselves.
pub(super) async fn fill(room: &Room, from: String, to: &str) -> Result<Filled, Fault> {
    let mut events = Vec::new();
    let mut from = from;
    for _ in 0..MAX_PAGES {
        let mut options = MessagesOptions::backward();
        options.from = Some(from);
        options.to = Some(to.to_owned());
        options.limit = UInt::from(PAGE);
        options.filter.not_senders = vec![room.own_user_id().to_owned()];
        let page = room.messages(options).await?;
        events.extend(page.chunk.into_iter().map(TimelineEvent::into_raw));
        // A page may be empty though there are more: the filter is applied after the page is cut.
        match page.end {
            Some(end) if end != to => from = end,
            _ => {
                events.reverse();
                return Ok(Filled { events, is_cut: false });
            }
        }
    }
    tracing::warn!(room = %room.room_id(), pages = MAX_PAGES, "too much happened while we were away: the oldest is given up");
    events.reverse();
    Ok(Filled { events, is_cut: true })
}
