//! Pushes and sweeps meet pulls, in every order.

use std::sync::Arc;
use std::time::Duration;

use super::catch_up::Found;
use super::inbox::{CLOCKS_DIFFER_BY, End, Inbox, Next, POLL, SWEEP_EVERY, Taken};
use crate::domain::matrix::{RoomBatch, RoomMark};
use crate::domain::{MatrixRoomId, Timestamp};
use crate::matrix::wire::Transaction;
use crate::supervisor::Supervisor;

const NOW: Timestamp = Timestamp(100_000_000);
/// The connection as it was when the program started.
const FIRST: u64 = 1;

fn transaction(event: &str) -> Transaction {
    let body = format!(
        r#"{{"events":[{{"type":"m.room.message","event_id":"{event}","room_id":"!r:h","sender":"@a:h","origin_server_ts":{},"content":{{"msgtype":"m.text","body":"hi"}}}}]}}"#,
        NOW.0
    );
    Transaction::read(body.as_bytes())
}

fn found(event: &str) -> Found {
    Found {
        events: transaction(event).events,
        cut: vec![],
    }
}

fn room() -> MatrixRoomId {
    "!r:h".into()
}

fn ids(batch: &RoomBatch) -> Vec<&str> {
    batch.events.iter().map(|event| event.id.as_str()).collect()
}

/// Offers in a task of its own; the receiver gets the result.
fn offer(inbox: &Arc<Inbox>, id: &'static str, event: &'static str) -> tokio::sync::oneshot::Receiver<Taken> {
    let (told, result) = tokio::sync::oneshot::channel();
    let inbox = Arc::clone(inbox);
    Supervisor::new().spawn_short("offer", async move {
        let _ = told.send(inbox.offer(id, transaction(event), vec![]).await);
    });
    result
}

/// Ends a sweep, and returns the mark to be stored.
async fn end(inbox: &Inbox, connection: u64) -> RoomMark {
    let end = End { connection, began: NOW };
    inbox.offer_found(vec![], Found::default(), Some(end));
    inbox.next(POLL).await.unwrap().mark
}

/// An inbox that misses nothing, and its mark.
async fn current() -> (Arc<Inbox>, RoomMark) {
    let inbox = Arc::new(Inbox::new());
    let start = inbox.acknowledge(None, NOW, FIRST);
    assert_eq!(start.next, Next::Sweep(None), "at first nothing can be missing");
    let mark = end(&inbox, FIRST).await;
    (inbox, mark)
}

/// Pulls, where nothing has to be looked for.
async fn pull(inbox: &Inbox, acked: &RoomMark) -> (RoomBatch, bool) {
    let acknowledged = inbox.acknowledge(Some(acked), NOW, FIRST);
    assert_eq!(acknowledged.next, Next::Wait(POLL));
    (inbox.next(POLL).await.unwrap(), acknowledged.is_overdue)
}

#[tokio::test]
async fn push_is_answered_once_its_events_are_stored() {
    let (inbox, start) = current().await;
    inbox.acknowledge(Some(&start), NOW, FIRST);
    let mut first = offer(&inbox, "1", "$1");
    let (batch, _) = pull(&inbox, &start).await;
    assert_eq!(ids(&batch), ["$1"]);
    // The commit failed: the same again, and the homeserver still waits.
    let (batch, _) = pull(&inbox, &start).await;
    assert_eq!(ids(&batch), ["$1"]);
    assert!(first.try_recv().is_err());
    let second = offer(&inbox, "2", "$2");
    let (next, _) = pull(&inbox, &batch.mark).await;
    assert_eq!(first.await.unwrap(), Taken::Stored);
    assert_eq!(ids(&next), ["$2"]);
    drop(second);
}

/// The answer to a stored transaction was lost, and the program restarted.
#[tokio::test]
async fn repeated_push_is_answered_without_its_events() {
    let (inbox, start) = current().await;
    inbox.acknowledge(Some(&start), NOW, FIRST);
    let first = offer(&inbox, "1", "$1");
    let (batch, _) = pull(&inbox, &start).await;
    drop(first);
    for (id, event) in [("2", "$2"), ("1", "$3")] {
        // The same number with other events is another transaction.
        let inbox = Arc::new(Inbox::new());
        let again = offer(&inbox, "1", "$1");
        let started = inbox.acknowledge(Some(&batch.mark), NOW, FIRST);
        assert_eq!(started.next, Next::Sweep(Some(NOW.minus(CLOCKS_DIFFER_BY))));
        assert_eq!(again.await.unwrap(), Taken::Stored);
        let other = offer(&inbox, id, event);
        assert_eq!(
            ids(&inbox.next(POLL).await.unwrap()),
            [event],
            "no push waits for the sweep"
        );
        drop(other);
    }
}

#[tokio::test]
async fn abandoned_push_is_told_when_it_is_stored() {
    let (inbox, start) = current().await;
    inbox.acknowledge(Some(&start), NOW, FIRST);
    let offered = inbox.offer("1", transaction("$1"), vec![]);
    assert!(tokio::time::timeout(Duration::from_millis(20), offered).await.is_err());
    let (batch, is_overdue) = pull(&inbox, &start).await;
    assert_eq!((ids(&batch), is_overdue), (vec!["$1"], false));
    assert!(inbox.acknowledge(Some(&batch.mark), NOW, FIRST).is_overdue);
    assert_eq!(inbox.offer("1", transaction("$1"), vec![]).await, Taken::Stored);
}

/// What was lost while the homeserver was away comes before what it pushes when it is back.
#[tokio::test]
async fn room_of_push_is_looked_through_after_absence() {
    let (inbox, start) = current().await;
    inbox.acknowledge(Some(&start), NOW, FIRST);
    assert_eq!(inbox.look_back(&room(), FIRST).await, None);
    let since = NOW.minus(CLOCKS_DIFFER_BY);
    let back = FIRST + 1;
    assert_eq!(
        inbox.look_back(&room(), back).await,
        Some(since),
        "also before a pull knows"
    );
    let swept = inbox.acknowledge(Some(&start), NOW, back);
    assert_eq!(swept.next, Next::Sweep(Some(since)));
    assert_eq!(inbox.look_back(&room(), back).await, Some(since));
    inbox.offer_found(vec![room()], found("$lost"), None);
    assert_eq!(
        inbox.look_back(&room(), back).await,
        None,
        "it goes behind what was found"
    );
    let newer = offer(&inbox, "2", "$newer");
    let lost = inbox.next(POLL).await.unwrap();
    assert_eq!((ids(&lost), lost.is_catch_up), (vec!["$lost"], true));
    // The commit failed.
    assert_eq!(inbox.acknowledge(Some(&start), NOW, back).next, Next::Wait(POLL));
    assert_eq!(inbox.next(POLL).await.as_ref(), Some(&lost));
    inbox.acknowledge(Some(&lost.mark), NOW, back);
    let pushed = inbox.next(POLL).await.unwrap();
    assert_eq!(ids(&pushed), ["$newer"]);
    let rest = inbox.acknowledge(Some(&pushed.mark), NOW, back);
    assert_eq!(rest.next, Next::Sweep(Some(since)), "a sweep that is not over goes on");
    assert_eq!(newer.await.unwrap(), Taken::Stored);
    let over = end(&inbox, back).await;
    assert_eq!(inbox.acknowledge(Some(&over), NOW, back).next, Next::Wait(POLL));
    assert_eq!(inbox.look_back(&"!other:h".into(), back).await, None);
}

/// The homeserver was away once more before the sweep was over.
#[tokio::test]
async fn sweep_of_earlier_connection_does_not_count() {
    let (inbox, start) = current().await;
    inbox.acknowledge(Some(&start), NOW, FIRST);
    inbox.acknowledge(Some(&start), NOW, FIRST + 1);
    let over = end(&inbox, FIRST).await;
    let next = inbox.acknowledge(Some(&over), NOW, FIRST + 1).next;
    assert!(matches!(next, Next::Sweep(Some(_))), "{next:?}");
}

#[tokio::test]
async fn sweep_comes_at_interval_and_refused_push_is_called_for() {
    let (inbox, start) = current().await;
    inbox.note_refused();
    assert!(inbox.acknowledge(Some(&start), NOW, FIRST).is_overdue);
    let nearly = NOW.plus(SWEEP_EVERY).minus(Duration::from_secs(1));
    let waits = inbox.acknowledge(Some(&start), nearly, FIRST);
    assert_eq!(
        (waits.next, waits.is_overdue),
        (Next::Wait(Duration::from_secs(1)), false)
    );
    let due = inbox.acknowledge(Some(&start), NOW.plus(SWEEP_EVERY), FIRST);
    assert!(matches!(due.next, Next::Sweep(Some(_))));
}

#[tokio::test]
async fn bots_mark_and_old_events_start_anew() {
    let inbox = Arc::new(Inbox::new());
    let of_bot = RoomMark("@desk:localhost s1_2".to_owned());
    let later = NOW.plus(Duration::from_secs(1));
    assert_eq!(inbox.acknowledge(Some(&of_bot), later, FIRST).next, Next::Sweep(None));
    inbox.offer_found(vec![room()], found("$old"), None);
    let batch = inbox.next(POLL).await.unwrap();
    assert!(batch.events.is_empty(), "what was before is not ours to send");
}
