//! One stream. The connection asks for the next piece when it has written the last, so nothing waits in memory for a client
//! that does not read, and the write timeout of connections ends it.

use std::fmt::Write as _;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::{StreamExt as _, stream};
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use crate::api::access::auth::Caller;
use crate::api::access::ending::EndsByItself;
use crate::api::access::events::shown;
use crate::api::http::problem::{Code, Problem};
use crate::api::state::ApiState;
use crate::api::ws::feed::{Following, Line, Reader};
use crate::api::ws::seats::Seat;
use crate::contract::{JournalEvent, ResyncRequired};
use crate::domain::Seq;
use crate::store::{EventFilter, JournalRange, StoreError};

/// Time after which a client connects again, in milliseconds.
const RETRY_MS: u64 = 1000;
/// Interval of the comments that show that the stream is alive, and of the checks of its key.
const ALIVE_EVERY: Duration = Duration::from_secs(15);
/// Pause that a client is asked to make when there is no place for it.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// Keeps proxies from collecting the stream before they pass it on.
static ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Writes an event as the stream's clients know it; `None` for one that they are not told.
pub type Tell = fn(&JournalEvent) -> serde_json::Result<Option<String>>;

/// Wishes of a client.
pub struct Wanted {
    /// Events that the journal had before the filter was made: a merge that the filter does not know yet is among those that
    /// follow.
    pub range: JournalRange,
    pub filter: EventFilter,
    /// Event to go on after; `None`: only events from now on.
    pub resume_from: Option<i64>,
    pub tell: Tell,
}

/// Opens a stream. A problem (503) if too many are open.
pub async fn open(state: ApiState, caller: Caller, wanted: Wanted) -> Result<Response, Problem> {
    // Before the check, so that no revocation falls between the two.
    let revoked = state.access().revoked();
    if !state.access().is_still_valid(&caller).await? {
        return Err(Problem::new(Code::Unauthenticated, "the key is expired or revoked"));
    }
    let seat = state.seats.identified().ok_or_else(|| Problem {
        retry_after: Some(TRY_AGAIN),
        ..Problem::new(
            Code::Unavailable,
            "too many WebSockets and event streams are open; close some, or try again later",
        )
    })?;
    let range = wanted.range;
    let (cursor, lost) = match wanted.resume_from {
        None => (range.head, false),
        // The head first: the largest number that there is has no next.
        Some(seq) if seq > range.head.0 || seq + 1 < range.oldest.0 => (range.head, true),
        Some(seq) => (Seq(seq), false),
    };
    let mut begin = format!("retry: {RETRY_MS}\n\n");
    if lost {
        // The number goes along: the client's own is of no use any more.
        begin.push_str(&resync_required(cursor, range.oldest));
    }
    let mut ticks = interval_at(Instant::now() + ALIVE_EVERY, ALIVE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let open = Open {
        reader: state.feed.after(cursor),
        stopping: state.supervisor.stopping(),
        _counted: Counted::new(state.metrics.streams.clone()),
        _seat: seat,
        state,
        caller,
        wanted,
        revoked,
        ticks,
    };
    let begin = stream::iter([Ok(Bytes::from(begin))]);
    let events = stream::unfold(open, |mut open| async move {
        let piece = open.next().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), open))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (ACCEL_BUFFERING.clone(), "no"),
    ];
    let body = Body::from_stream(begin.chain(events));
    Ok((Extension(EndsByItself), headers, body).into_response())
}

struct Open {
    state: ApiState,
    caller: Caller,
    wanted: Wanted,
    reader: Reader,
    /// Wakes up when a key was revoked.
    revoked: watch::Receiver<u64>,
    ticks: Interval,
    stopping: CancellationToken,
    _counted: Counted,
    _seat: Seat,
}

/// Reason why a stream stops waiting.
enum Woken {
    Events(Following),
    Tick,
    Revocation,
}

impl Open {
    /// Waits for the next piece; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let woken = self.wait().await?;
            let piece = match woken {
                Ok(Woken::Events(Following::Lines(lines))) => self.told(&lines).await,
                Ok(Woken::Events(Following::Lost { oldest })) => Ok(resync_required(Seq(oldest.0 - 1), oldest)),
                Ok(Woken::Tick | Woken::Revocation) if !self.is_valid().await? => return None,
                Ok(Woken::Tick) => Ok(":\n\n".to_owned()),
                Ok(Woken::Revocation) => continue,
                Err(error) => Err(error),
            };
            match piece {
                Ok(piece) if piece.is_empty() => {}
                Ok(piece) => return Some(piece.into()),
                Err(error) => return failed(&error),
            }
        }
    }

    /// Waits for events or another reason to wake up; `None` when the server stops or the key expires.
    async fn wait(&mut self) -> Option<Result<Woken, StoreError>> {
        tokio::select! {
            () = self.stopping.cancelled() => None,
            () = self.caller.expiry(&*self.state.clock) => None,
            // The sender lives as long as the state, which we hold.
            _ = self.revoked.changed() => Some(Ok(Woken::Revocation)),
            _ = self.ticks.tick() => Some(Ok(Woken::Tick)),
            events = self.reader.next() => Some(events.map(Woken::Events)),
        }
    }

    /// Returns whether the key is still valid; `None` if that cannot be read.
    async fn is_valid(&self) -> Option<bool> {
        match self.state.access().is_still_valid(&self.caller).await {
            Ok(valid) => Some(valid),
            Err(error) => failed(&error),
        }
    }

    /// Writes those of these events that the client is to see.
    async fn told(&mut self, lines: &[Line]) -> Result<String, StoreError> {
        let corrupt = |error| StoreError::corrupt("journal", error);
        let mut text = String::new();
        for line in lines {
            line.widen(&mut self.wanted.filter);
            if !line.passes(&self.wanted.filter) {
                continue;
            }
            let event = line.event().map_err(corrupt)?;
            let Some(event) = shown(&self.state.store, &self.caller, event).await? else {
                continue;
            };
            if let Some(data) = (self.wanted.tell)(&event).map_err(corrupt)? {
                // A line break ends the field; in JSON it can only be a space.
                let data = data.replace(['\n', '\r'], " ");
                let _ = write!(text, "id: {}\ndata: {data}\n\n", line.seq);
                self.state.metrics.events_sent.inc();
            }
        }
        Ok(text)
    }
}

/// Returns the event that says that events were lost: the client loads what it shows again. `cursor`: where it goes on.
fn resync_required(cursor: Seq, oldest: Seq) -> String {
    let data = serde_json::to_string(&ResyncRequired { oldest }).unwrap_or_default();
    format!("id: {cursor}\nevent: resync_required\ndata: {data}\n\n")
}

/// Logs why a stream ends; the client connects again and goes on where it was.
fn failed<T>(error: &StoreError) -> Option<T> {
    if !matches!(error, StoreError::Closed) {
        tracing::error!("an event stream ends: {error}");
    }
    None
}

/// Counts a stream while it is open.
struct Counted(Gauge);

impl Counted {
    fn new(streams: Gauge) -> Self {
        streams.inc();
        Self(streams)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
