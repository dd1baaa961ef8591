//! Gaps in a room's timeline: events that a `/sync` left out, read page by page backwards to where the last sync ended
//! (rule 17). Without this, answers that agents wrote during an outage would be lost.

use matrix_sdk::Room;
use matrix_sdk::deserialized_responses::TimelineEvent;
use matrix_sdk::room::MessagesOptions;
use matrix_sdk::ruma::UInt;
use matrix_sdk::ruma::events::AnySyncTimelineEvent;
use matrix_sdk::ruma::serde::Raw;

use crate::matrix::wire::Fault;

/// Events in one page of a room's history.
const PAGE: u32 = 100;
/// Maximum number of pages read back in one room; older events are given up and the room is reported as truncated.
const MAX_PAGES: usize = 50;

/// Events between two positions, oldest first.
pub(super) struct Filled {
    /// The events.
    pub(super) events: Vec<Raw<AnySyncTimelineEvent>>,
    /// Whether older ones were given up.
    pub(super) is_truncated: bool,
}

/// Reads back from `from` to `to`, without our own events unless `with_ours`.
pub(super) async fn fill(room: &Room, from: String, to: &str, with_ours: bool) -> Result<Filled, Fault> {
    let mut events = Vec::new();
    let mut from = from;
    for _ in 0..MAX_PAGES {
        let mut options = MessagesOptions::backward();
        options.from = Some(from);
        options.to = Some(to.to_owned());
        options.limit = UInt::from(PAGE);
        if !with_ours {
            options.filter.not_senders = vec![room.own_user_id().to_owned()];
        }
        let page = room.messages(options).await?;
        events.extend(page.chunk.into_iter().map(TimelineEvent::into_raw));
        // An empty page is not the end: the filter is applied after the page is cut.
        match page.end {
            Some(end) if end != to => from = end,
            _ => {
                events.reverse();
                return Ok(Filled {
                    events,
                    is_truncated: false,
                });
            }
        }
    }
    tracing::warn!(room = %room.room_id(), pages = MAX_PAGES, "too many events since the last sync: the oldest were skipped; read them in Element and answer there");
    events.reverse();
    Ok(Filled {
        events,
        is_truncated: true,
    })
}
