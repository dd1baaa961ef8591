//! Hands what the homeserver brings to the pull that stores it, one piece at a time, and tells the homeserver when it is
//! stored: each transaction that it pushes, and what a sweep found. Little is kept beyond the piece in flight.
//!
//! A sweep looks through all rooms for what was not pushed: after each absence of the homeserver, and at an interval. A push
//! does not wait for it; but until it is over, the rooms of a push are looked through first, so that what was lost in an
//! absence comes before anything newer in its room.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use tokio::sync::watch;

use super::catch_up::Found;
use super::mark::Mark;
use crate::domain::matrix::{RoomBatch, RoomEvent, RoomMark};
use crate::domain::{MatrixRoomId, Timestamp};
use crate::matrix::wire::Transaction;

/// How long a pull waits for something.
pub(super) const POLL: Duration = Duration::from_secs(30);
/// How long a push waits until it is stored; Synapse gives up after 60 s.
const STORE_WITHIN: Duration = Duration::from_secs(45);
/// Interval between two sweeps while the homeserver is not away. Below the hour after which an agent is asked whether their
/// message still holds (rule 5).
pub(super) const SWEEP_EVERY: Duration = Duration::from_mins(30);
/// Most by which the clocks of homeserver and server may differ.
pub(super) const CLOCKS_DIFFER_BY: Duration = Duration::from_mins(10);

/// A piece that is to be stored.
struct Flight {
    batch: RoomBatch,
    kind: FlightKind,
}

enum FlightKind {
    /// A transaction; so many requests of the homeserver wait for it.
    Push { key: String, waiting: u32 },
    /// Result of a sweep in some rooms.
    Part,
    /// The end of a sweep.
    End(End),
}

/// A sweep that has come to its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    /// Connection in which it was made.
    pub(super) connection: u64,
    /// Time of its beginning.
    pub(super) began: Timestamp,
}

#[derive(Default)]
struct State {
    /// The mark that is stored; none before the first pull.
    stored: Option<Mark>,
    flights: VecDeque<Flight>,
    /// Connection whose sweep is under way, or over.
    connection: u64,
    is_swept: bool,
    /// Time of the end of the last sweep.
    swept_at: Timestamp,
    /// Rooms that the sweep has come to, or a push.
    checked: HashSet<MatrixRoomId>,
    /// Whether a push was turned away: the homeserver is called after the sweep.
    has_refused: bool,
}

/// Meeting place of pushes and pulls.
pub(super) struct Inbox {
    state: watch::Sender<State>,
}

/// Result of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is stored.
    Stored,
    /// It was not stored in time.
    NotNow,
}

/// Next task of a pull.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Look through some rooms for what happened since this time; without one, nothing is missing.
    Sweep(Option<Timestamp>),
    /// Wait for something, at most so long.
    Wait(Duration),
}

/// Result of an acknowledgement.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Acknowledged {
    /// Next task of the pull.
    pub(super) next: Next,
    /// Whether the homeserver gave up waiting for something. It pushes again after a pause that grows to minutes, unless it is
    /// called.
    pub(super) is_overdue: bool,
}

/// Counts a waiting request for as long as it waits.
struct Waiting<'a> {
    state: &'a watch::Sender<State>,
    key: &'a str,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.state.send_if_modified(|state| {
            if let Some(waiting) = state.waiting_for(self.key) {
                *waiting = waiting.saturating_sub(1);
            }
            false
        });
    }
}

impl State {
    fn has_stored(&self, key: &str) -> bool {
        self.stored.as_ref().is_some_and(|stored| stored.key == key)
    }

    /// Returns the count of the requests that wait for a transaction, if it is in flight.
    fn waiting_for(&mut self, of: &str) -> Option<&mut u32> {
        self.flights.iter_mut().find_map(|flight| match &mut flight.kind {
            FlightKind::Push { key, waiting } if key == of => Some(waiting),
            _ => None,
        })
    }

    /// Returns whether a transaction can be taken in, or is in flight.
    fn is_free(&self, of: &str) -> bool {
        let is_it = |flight: &Flight| matches!(&flight.kind, FlightKind::Push { key, .. } if key == of);
        self.stored.is_some() && (self.flights.is_empty() || self.flights.iter().any(is_it))
    }

    /// Returns the mark that is stored with the first flight.
    fn next_mark(&self) -> Option<Mark> {
        let mut mark = self.stored.clone()?;
        match &self.flights.front()?.kind {
            FlightKind::Push { key, .. } => key.clone_into(&mut mark.key),
            FlightKind::Part => mark.part += 1,
            FlightKind::End(end) => {
                mark.swept = Some(end.began);
                mark.part = 0;
            }
        }
        Some(mark)
    }

    /// Appends a flight, without what is older than the first pull (rule 17).
    fn put(&mut self, mut batch: RoomBatch, kind: FlightKind) {
        let since = self.stored.as_ref().map_or(Timestamp::ZERO, |stored| stored.since);
        let all = batch.events.len();
        batch.events.retain(|event| event.at >= since);
        let old = all - batch.events.len();
        if old > 0 {
            tracing::warn!(
                events = old,
                "skipped events from before this desk's first start with its homeserver"
            );
        }
        self.flights.push_back(Flight { batch, kind });
    }
}

impl Inbox {
    /// Returns an empty inbox.
    pub(super) fn new() -> Self {
        Self {
            state: watch::Sender::new(State::default()),
        }
    }

    /// Returns the time since which a room must be looked through, before something that was pushed in a connection is offered;
    /// none if nothing can be missing.
    pub(super) async fn look_back(&self, room: &MatrixRoomId, connection: u64) -> Option<Timestamp> {
        let mut states = self.state.subscribe();
        let state = states.wait_for(|state| state.stored.is_some()).await.ok()?;
        let is_checked = state.connection >= connection && (state.is_swept || state.checked.contains(room));
        let swept = state.stored.as_ref()?.swept?;
        (!is_checked).then(|| swept.minus(CLOCKS_DIFFER_BY))
    }

    /// Takes note that a push was turned away.
    pub(super) fn note_refused(&self) {
        self.state.send_if_modified(|state| {
            state.has_refused = true;
            false
        });
    }

    /// Offers a transaction to the pulls, with what was found in its rooms before, and waits until it is stored.
    pub(super) async fn offer(&self, id: &str, transaction: Transaction, before: Vec<RoomEvent>) -> Taken {
        let key = format!("{id}/{}", transaction.digest);
        let offered = self.offer_as(&key, transaction, before);
        let taken = tokio::time::timeout(STORE_WITHIN, offered).await;
        taken.unwrap_or(Taken::NotNow)
    }

    async fn offer_as(&self, key: &str, transaction: Transaction, before: Vec<RoomEvent>) -> Taken {
        let mut batch = RoomBatch::nothing_until(RoomMark(String::new()));
        batch.is_catch_up = !before.is_empty();
        batch.events = before;
        batch.events.extend(transaction.events);
        batch.receipts = transaction.receipts;
        batch.typing = transaction.typing;
        let mut states = self.state.subscribe();
        let _waiting = Waiting {
            state: &self.state,
            key,
        };
        loop {
            let is_next = |state: &State| state.has_stored(key) || state.is_free(key);
            if states.wait_for(is_next).await.is_err() {
                return Taken::NotNow;
            }
            let mut is_offered = false;
            self.state.send_if_modified(|state| {
                if state.has_stored(key) || !state.is_free(key) {
                    return false;
                }
                is_offered = true;
                if let Some(waiting) = state.waiting_for(key) {
                    *waiting += 1;
                    return false;
                }
                let kind = FlightKind::Push {
                    key: key.to_owned(),
                    waiting: 1,
                };
                state.put(batch.clone(), kind);
                true
            });
            if is_offered || states.borrow().has_stored(key) {
                break;
            }
        }
        match states.wait_for(|state| state.has_stored(key)).await {
            Ok(_) => Taken::Stored,
            Err(_) => Taken::NotNow,
        }
    }

    /// Offers what a sweep found in rooms; `end`, if these were its last.
    pub(super) fn offer_found(&self, rooms: Vec<MatrixRoomId>, found: Found, end: Option<End>) {
        self.state.send_modify(|state| {
            // In one step: a push in one of these rooms goes behind what was found.
            state.checked.extend(rooms);
            let kind = end.map_or(FlightKind::Part, FlightKind::End);
            if found.events.is_empty() && found.cut.is_empty() && matches!(kind, FlightKind::Part) {
                return;
            }
            let mut batch = RoomBatch::nothing_until(RoomMark(String::new()));
            batch.events = found.events;
            batch.cut = found.cut;
            batch.is_catch_up = true;
            state.put(batch, kind);
        });
    }

    /// Takes note that everything up to `acked` is stored, and returns what the pull has to do in this connection. Without a
    /// mark of ours, events count from now on.
    pub(super) fn acknowledge(&self, acked: Option<&RoomMark>, now: Timestamp, connection: u64) -> Acknowledged {
        let acked = acked.and_then(Mark::read);
        let mut acknowledged = Acknowledged {
            next: Next::Wait(POLL),
            is_overdue: false,
        };
        self.state.send_modify(|state| {
            if acked.is_some() && state.next_mark() == acked {
                match state.flights.pop_front().map(|flight| flight.kind) {
                    Some(FlightKind::Push { waiting, .. }) => acknowledged.is_overdue = waiting == 0,
                    Some(FlightKind::End(end)) => {
                        state.is_swept = state.connection == end.connection;
                        state.swept_at = now;
                        acknowledged.is_overdue = std::mem::take(&mut state.has_refused);
                    }
                    Some(FlightKind::Part) | None => {}
                }
            }
            let start = || Mark {
                since: now,
                key: String::new(),
                swept: None,
                part: 0,
            };
            let stored = acked.or_else(|| state.stored.take()).unwrap_or_else(start);
            let swept = stored.swept;
            state.stored = Some(stored);
            let left = SWEEP_EVERY.saturating_sub(now.since(state.swept_at));
            if state.connection != connection || (state.is_swept && left.is_zero()) {
                state.connection = connection;
                state.is_swept = false;
                state.checked.clear();
            }
            if !state.flights.is_empty() {
                return;
            }
            acknowledged.next = if state.is_swept {
                Next::Wait(POLL.min(left))
            } else {
                Next::Sweep(swept.map(|swept| swept.minus(CLOCKS_DIFFER_BY)))
            };
        });
        acknowledged
    }

    /// Waits for something, at most so long.
    pub(super) async fn next(&self, longest: Duration) -> Option<RoomBatch> {
        let mut states = self.state.subscribe();
        let flies = states.wait_for(|state| !state.flights.is_empty());
        let _ = tokio::time::timeout(longest, flies).await;
        let state = self.state.borrow();
        let mut batch = state.flights.front()?.batch.clone();
        batch.mark = state.next_mark()?.write();
        Some(batch)
    }

    /// Returns the mark that is stored.
    pub(super) fn mark(&self) -> RoomMark {
        let state = self.state.borrow();
        state
            .stored
            .as_ref()
            .map_or_else(|| RoomMark(String::new()), Mark::write)
    }
}
