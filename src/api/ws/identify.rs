//! The client's first frame: its key, the cursor to resume from, and the filter of events.

use serde_json::Value;

use super::frame::Close;
use crate::api::access::auth::Caller;
use crate::api::filters;
use crate::api::http::extract::parse_value;
use crate::api::http::problem::Code;
use crate::api::state::ApiState;
use crate::contract::{FilterRequest, Identify};
use crate::domain::message::Origin;
use crate::domain::rights::Sight;
use crate::domain::{Operation, Seq};
use crate::store::{EventFilter, JournalRange};

/// Result of a successful identification.
pub struct Identified {
    pub caller: Caller,
    pub filter: EventFilter,
    /// Events that the journal had before the filter was made.
    pub range: JournalRange,
    pub start: Start,
}

/// Point from which events are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Only events from now on.
    Live,
    /// First the stored events after this one.
    After(Seq),
    /// The requested events have been deleted; the client has to resync.
    TooOld,
}

/// Checks the frame's data `d`. `header` is the holder of the key in the request's header; a token in the frame takes
/// precedence. Returns the close code if the client is refused.
pub async fn identify(state: &ApiState, d: Value, header: Option<Caller>, origin: Origin) -> Result<Identified, Close> {
    let asked: Identify = if d.is_null() {
        Identify::default()
    } else {
        parse_value(d).map_err(|_| Close::Undecodable)?
    };
    let caller = match (&asked.token, header) {
        // Nobody's key is empty; the check of keys refuses it as well.
        (Some(token), _) if token.is_empty() => return Err(Close::AuthFailed),
        (Some(token), _) => state.access().caller(token, origin).await.map_err(|problem| {
            if problem.code == Code::Unauthenticated {
                Close::AuthFailed
            } else {
                Close::Unknown
            }
        })?,
        (None, Some(caller)) => caller,
        (None, None) => return Err(Close::AuthFailed),
    };
    caller.may(Operation::FollowEvents).map_err(|_| Close::Scope)?;
    // Before the filter, so that a merge that the filter does not know yet is among the events that follow.
    let range = state.store.journal().range().await.map_err(|error| {
        tracing::error!("a WebSocket cannot begin: {error}");
        Close::Unknown
    })?;
    let filter = filter(state, &caller.sight, asked.filter).await?;
    let start = start(asked.resume_from, range)?;
    Ok(Identified {
        caller,
        filter,
        range,
        start,
    })
}

async fn filter(state: &ApiState, sight: &Sight, asked: Option<Value>) -> Result<EventFilter, Close> {
    let Some(asked) = asked.filter(|asked| !asked.is_null()) else {
        return Ok(EventFilter::default());
    };
    let request: FilterRequest = parse_value(asked).map_err(|_| Close::BadFilter)?;
    let filter = filters::of_events(&state.store, sight, request).await;
    filter.map_err(|problem| match problem.code {
        Code::NotFound | Code::InvalidQuery => Close::BadFilter,
        _ => Close::Unknown,
    })
}

fn start(resume_from: Option<i64>, range: JournalRange) -> Result<Start, Close> {
    match resume_from {
        None => Ok(Start::Live),
        Some(seq) if seq < 0 || seq > range.head.0 => Err(Close::BadSequence),
        Some(seq) if seq + 1 < range.oldest.0 => Ok(Start::TooOld),
        Some(seq) => Ok(Start::After(Seq(seq))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resume_is_limited_to_journal_range() {
        let range = JournalRange {
            oldest: Seq(5),
            head: Seq(9),
        };
        assert_eq!(start(None, range), Ok(Start::Live));
        assert_eq!(start(Some(4), range), Ok(Start::After(Seq(4))));
        assert_eq!(start(Some(9), range), Ok(Start::After(Seq(9))));
        assert_eq!(start(Some(3), range), Ok(Start::TooOld));
        assert_eq!(start(Some(10), range), Err(Close::BadSequence));
        assert_eq!(start(Some(-1), range), Err(Close::BadSequence));
        let empty = JournalRange {
            oldest: Seq(1),
            head: Seq(0),
        };
        assert_eq!(start(Some(0), empty), Ok(Start::After(Seq(0))));
    }
}
