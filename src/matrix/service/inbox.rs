//! Hands each transaction that the homeserver pushed to the pull that stores it, one at a time, and tells the homeserver when
//! it is stored. Nothing is kept beyond the transaction in flight.
//!
//! The mark holds the time from which events count, and the transaction's id with a digest of its events: a homeserver that
//! was restored from a backup counts its transactions anew, and one of the same number is another one.

use std::time::Duration;

use tokio::sync::watch;

use crate::domain::Timestamp;
use crate::domain::matrix::{RoomBatch, RoomMark};
use crate::matrix::wire::Transaction;

/// How long a pull waits for a transaction.
const POLL: Duration = Duration::from_secs(30);
/// How long a push waits until it is stored; Synapse gives up after 60 s.
const STORE_WITHIN: Duration = Duration::from_secs(45);
/// Beginning of our marks. A bot's begin with its user.
const MARK: &str = "service";

/// The transaction in flight.
#[derive(Clone)]
struct Flight {
    key: String,
    batch: RoomBatch,
    /// Requests of the homeserver that wait for it.
    waiting: u32,
}

#[derive(Default)]
struct State {
    /// Time from which events count; none before the first pull.
    since: Option<Timestamp>,
    /// The transaction that was stored last.
    stored: String,
    flight: Option<Flight>,
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

/// Result of a pull.
pub(super) struct Pulled {
    /// What happened.
    pub(super) batch: RoomBatch,
    /// Whether the homeserver gave up waiting for what is stored now. It pushes again after a pause that grows to minutes,
    /// unless it is called.
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
            if let Some(flight) = state.flight.as_mut().filter(|flight| flight.key == self.key) {
                flight.waiting = flight.waiting.saturating_sub(1);
            }
            false
        });
    }
}

impl Inbox {
    /// Returns an empty inbox.
    pub(super) fn new() -> Self {
        Self {
            state: watch::Sender::new(State::default()),
        }
    }

    /// Offers a transaction to the pulls, and waits until it is stored.
    pub(super) async fn offer(&self, id: &str, transaction: Transaction) -> Taken {
        let key = format!("{id}/{}", transaction.digest);
        let offered = tokio::time::timeout(STORE_WITHIN, self.offer_as(&key, transaction)).await;
        offered.unwrap_or(Taken::NotNow)
    }

    async fn offer_as(&self, key: &str, transaction: Transaction) -> Taken {
        let mut batch = RoomBatch::nothing_until(RoomMark(String::new()));
        batch.events = transaction.events;
        batch.receipts = transaction.receipts;
        batch.typing = transaction.typing;
        let mut states = self.state.subscribe();
        let is_free = |state: &State| {
            let is_ours = state.flight.as_ref().is_none_or(|flight| flight.key == key);
            state.since.is_some() && (state.stored == key || is_ours)
        };
        let _waiting = Waiting {
            state: &self.state,
            key,
        };
        loop {
            if states.wait_for(is_free).await.is_err() {
                return Taken::NotNow;
            }
            let mut is_offered = false;
            self.state.send_if_modified(|state| {
                if state.stored == key || !is_free(state) {
                    return false;
                }
                is_offered = true;
                if let Some(flight) = &mut state.flight {
                    flight.waiting += 1;
                    return false;
                }
                state.flight = Some(Flight {
                    key: key.to_owned(),
                    batch: batch.clone(),
                    waiting: 1,
                });
                true
            });
            if is_offered || states.borrow().stored == key {
                break;
            }
        }
        match states.wait_for(|state| state.stored == key).await {
            Ok(_) => Taken::Stored,
            Err(_) => Taken::NotNow,
        }
    }

    /// Takes note that everything up to `acked` is stored, and returns the next transaction. Without a mark of ours, events
    /// count from now on.
    pub(super) async fn pull(&self, acked: Option<&RoomMark>, now: Timestamp) -> Pulled {
        let Some((since, key)) = acked.and_then(read_mark) else {
            self.state.send_modify(|state| state.since = state.since.or(Some(now)));
            let since = self.state.borrow().since.unwrap_or(now);
            let batch = RoomBatch::nothing_until(mark(since, ""));
            return Pulled {
                batch,
                is_overdue: false,
            };
        };
        let mut is_overdue = false;
        self.state.send_modify(|state| {
            state.since = Some(since);
            if let Some(stored) = state.flight.take_if(|flight| flight.key == key) {
                is_overdue = stored.waiting == 0;
            }
            key.clone_into(&mut state.stored);
        });
        let mut states = self.state.subscribe();
        // What is overdue is told to the homeserver at once.
        let wait = if is_overdue { Duration::ZERO } else { POLL };
        let next = tokio::time::timeout(wait, states.wait_for(|state| state.flight.is_some())).await;
        let flight = match next {
            Ok(Ok(state)) => state.flight.clone(),
            _ => None,
        };
        let batch = match (flight, acked) {
            (Some(flight), _) => with_mark(flight, since),
            (None, Some(acked)) => RoomBatch::nothing_until(acked.clone()),
            (None, None) => RoomBatch::nothing_until(mark(since, key)),
        };
        Pulled { batch, is_overdue }
    }
}

/// Returns a transaction with its mark, without what is older than the first pull (rule 17).
fn with_mark(flight: Flight, since: Timestamp) -> RoomBatch {
    let mut batch = flight.batch;
    batch.mark = mark(since, &flight.key);
    let all = batch.events.len();
    batch.events.retain(|event| event.at >= since);
    let old = all - batch.events.len();
    if old > 0 {
        tracing::warn!(
            events = old,
            "skipped events from before this desk's first start with its homeserver"
        );
    }
    batch
}

fn mark(since: Timestamp, key: &str) -> RoomMark {
    RoomMark(format!("{MARK} {} {key}", since.0))
}

/// Returns whether an application service has made the mark.
pub fn is_mark(mark: &RoomMark) -> bool {
    read_mark(mark).is_some()
}

/// Returns the parts of a mark of ours.
fn read_mark(mark: &RoomMark) -> Option<(Timestamp, &str)> {
    let (since, key) = mark.0.strip_prefix(MARK)?.strip_prefix(' ')?.split_once(' ')?;
    Some((Timestamp(since.parse().ok()?), key))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::supervisor::Supervisor;

    const NOW: Timestamp = Timestamp(1000);

    fn transaction(event: &str) -> Transaction {
        let body = format!(
            r#"{{"events":[{{"type":"m.room.message","event_id":"{event}","room_id":"!r:h","sender":"@a:h","origin_server_ts":{},"content":{{"msgtype":"m.text","body":"hi"}}}}]}}"#,
            NOW.0
        );
        Transaction::read(body.as_bytes())
    }

    fn ids(pulled: &Pulled) -> Vec<&str> {
        pulled.batch.events.iter().map(|event| event.id.as_str()).collect()
    }

    /// Offers in a task of its own; the receiver gets the result.
    fn offer(inbox: &Arc<Inbox>, id: &'static str, event: &'static str) -> tokio::sync::oneshot::Receiver<Taken> {
        let (told, result) = tokio::sync::oneshot::channel();
        let inbox = Arc::clone(inbox);
        Supervisor::new().spawn_short("offer", async move {
            let _ = told.send(inbox.offer(id, transaction(event)).await);
        });
        result
    }

    #[tokio::test]
    async fn push_is_answered_once_its_events_are_stored() {
        let inbox = Arc::new(Inbox::new());
        let start = inbox.pull(None, NOW).await.batch.mark;
        let mut first = offer(&inbox, "1", "$1");
        let pulled = inbox.pull(Some(&start), NOW).await;
        assert_eq!(ids(&pulled), ["$1"]);
        // The commit failed: the same again, and the homeserver still waits.
        let pulled = inbox.pull(Some(&start), NOW).await;
        assert_eq!(ids(&pulled), ["$1"]);
        assert!(first.try_recv().is_err());
        let second = offer(&inbox, "2", "$2");
        let next = inbox.pull(Some(&pulled.batch.mark), NOW).await;
        assert_eq!(first.await.unwrap(), Taken::Stored);
        assert_eq!(ids(&next), ["$2"]);
        drop(second);
    }

    /// The answer to a stored transaction was lost, and the program restarted.
    #[tokio::test]
    async fn repeated_push_is_answered_without_its_events() {
        let inbox = Arc::new(Inbox::new());
        let start = inbox.pull(None, NOW).await.batch.mark;
        let first = offer(&inbox, "1", "$1");
        let mark = inbox.pull(Some(&start), NOW).await.batch.mark;
        drop(first);
        let inbox = Arc::new(Inbox::new());
        let again = offer(&inbox, "1", "$1");
        let other = offer(&inbox, "2", "$2");
        let pulled = inbox.pull(Some(&mark), NOW).await;
        assert_eq!(again.await.unwrap(), Taken::Stored);
        assert_eq!(ids(&pulled), ["$2"]);
        drop(other);
        // The same number with other events is another transaction.
        let inbox = Arc::new(Inbox::new());
        let other = offer(&inbox, "1", "$3");
        assert_eq!(ids(&inbox.pull(Some(&mark), NOW).await), ["$3"]);
        drop(other);
    }

    #[tokio::test]
    async fn abandoned_push_is_told_when_it_is_stored() {
        let inbox = Arc::new(Inbox::new());
        let start = inbox.pull(None, NOW).await.batch.mark;
        let gone = tokio::time::timeout(Duration::from_millis(20), inbox.offer("1", transaction("$1")));
        assert!(gone.await.is_err());
        let pulled = inbox.pull(Some(&start), NOW).await;
        assert_eq!((ids(&pulled), pulled.is_overdue), (vec!["$1"], false));
        let next = inbox.pull(Some(&pulled.batch.mark), NOW).await;
        assert!(next.is_overdue && next.batch.events.is_empty());
        assert_eq!(next.batch.mark, pulled.batch.mark);
        assert_eq!(inbox.offer("1", transaction("$1")).await, Taken::Stored);
    }

    #[tokio::test]
    async fn bots_mark_and_old_events_start_anew() {
        let inbox = Arc::new(Inbox::new());
        let of_bot = RoomMark("@desk:localhost s1_2".to_owned());
        let later = NOW.plus(Duration::from_secs(1));
        let start = inbox.pull(Some(&of_bot), later).await;
        assert!(start.batch.events.is_empty());
        let old = offer(&inbox, "1", "$1");
        let pulled = inbox.pull(Some(&start.batch.mark), later).await;
        assert!(pulled.batch.events.is_empty() && pulled.batch.mark != start.batch.mark);
        drop(old);
    }
}
