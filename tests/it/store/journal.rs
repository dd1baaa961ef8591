//! Invariants 1 and 6, rule 23: every event once, in the order of the commits, whoever writes.

use std::time::Duration;

use crm::contract::{Event, JournalEvent, MessageView};
use crm::domain::conversation::Conversation;
use crm::domain::{Seq, Timestamp};
use crm::store::{Follower, JournalRange, Next, Store, StoreError};
use futures_util::FutureExt;
use futures_util::future::{join_all, try_join_all};

use super::database::databases::{BEGIN, Database, Kind, on_each_database};
use super::database::raw;
use super::desk::{self, inbound, take};

on_each_database! {
    /// Invariant 6.
    many_writers_leave_no_gap_for_follower,
    /// rule 23.
    late_commit_holds_back_later_events,
    write_wakes_follower_of_own_process,
    stored_follower_acts_once_over_crash,
    events_of_one_transaction_stay_together,
    pruned_range_is_reported,
}

async fn many_writers_leave_no_gap_for_follower(database: Database) {
    const EACH: usize = 60;
    let first = database.open().await;
    let ada = desk::ada(&first).await;
    let second = database.open().await;
    let third = database.open().await;
    let writers = [&first, &second, &third].into_iter().enumerate().map(|(p, store)| {
        let ada = ada.clone();
        async move {
            try_join_all((0..EACH).map(|i| take(store, inbound(&ada, &format!("{p}-{i}"), "x", BEGIN)))).await
        }
    });
    let total = i64::try_from(3 * EACH).unwrap();
    let (written, seen) = tokio::join!(try_join_all(writers), follow(&third, Seq(total)));
    written.unwrap();
    let numbers: Vec<i64> = seen.iter().map(|event| event.seq.0).collect();
    assert_eq!(
        numbers,
        (1..=total).collect::<Vec<_>>(),
        "no gap was ever seen, and none was filled later"
    );
    let mut messages: Vec<_> = seen.iter().map(|event| message(event).id.0).collect();
    messages.sort_unstable();
    messages.dedup();
    assert_eq!(messages.len(), 3 * EACH);
    join_all([first, second, third].map(Store::close)).await;
}

async fn stored_follower_acts_once_over_crash(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    take(&store, inbound(&ada, "before", "x", BEGIN)).await.unwrap();
    // It counts what it is told, in the transaction in which it says how far it has come.
    let act = async |follower: &mut Follower, fails: bool| {
        let Next::Events(events) = follower.next().await.unwrap() else {
            panic!("nothing is pruned")
        };
        let (count, last) = (events.len(), events.last().unwrap().seq);
        let acted = store.write((count, last, fails), |tx, &(count, last, fails)| {
            async move {
                let before: usize = tx
                    .settings()
                    .get("counted")
                    .await?
                    .map_or(0, |text| text.parse().unwrap());
                tx.settings()
                    .set("counted", Some(&(before + count).to_string()))
                    .await?;
                tx.followed("counter", last).await?;
                if fails { Err(StoreError::Closed) } else { Ok(()) }
            }
            .boxed()
        });
        assert_eq!(acted.await.is_err(), fails);
    };
    drop(Follower::named(&store, "counter").await.unwrap());
    for n in 0..3 {
        take(&store, inbound(&ada, &format!("{n}"), "x", BEGIN)).await.unwrap();
    }
    act(&mut Follower::named(&store, "counter").await.unwrap(), true).await;
    let mut follower = Follower::named(&store, "counter").await.unwrap();
    act(&mut follower, false).await;
    take(&store, inbound(&ada, "3", "x", BEGIN)).await.unwrap();
    act(&mut follower, false).await;
    drop(follower);
    take(&store, inbound(&ada, "4", "x", BEGIN)).await.unwrap();
    act(&mut Follower::named(&store, "counter").await.unwrap(), false).await;
    assert_eq!(store.settings().get("counted").await.unwrap().as_deref(), Some("5"));
    store.close().await;
}

async fn late_commit_holds_back_later_events(database: Database) {
    let (trigger, asleep) = match database.kind {
        // One writer at a time: there is nothing to keep back.
        Kind::Sqlite => return,
        Kind::Postgres => (
            "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF NEW.data LIKE '%linger%' THEN PERFORM pg_sleep(0.5); END IF;
                 RETURN NEW;
             END $$;
             CREATE TRIGGER linger AFTER INSERT ON journal FOR EACH ROW EXECUTE FUNCTION linger()",
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'",
        ),
        Kind::MariaDb => (
            "CREATE TRIGGER linger AFTER INSERT ON journal FOR EACH ROW
                 IF NEW.data LIKE '%linger%' THEN DO SLEEP(0.5); END IF",
            "SELECT count(*) FROM information_schema.processlist WHERE db = database() AND state = 'User sleep'",
        ),
    };
    let slow = database.open().await;
    let fast = database.open().await;
    let ada = desk::ada(&slow).await;
    raw::execute(&database, trigger).await;
    let late = take(&slow, inbound(&ada, "late", "linger", BEGIN));
    let others = async {
        // The first one has its number and is on its way to the commit.
        while raw::numbers(&database, asleep).await != [1] {}
        for i in 0..3 {
            take(&fast, inbound(&ada, &format!("A{i}"), "x", BEGIN)).await.unwrap();
        }
    };
    let (late, (), seen) = tokio::join!(late, others, follow(&fast, Seq(4)));
    late.unwrap();
    let numbers: Vec<i64> = seen.iter().map(|event| event.seq.0).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert_eq!(message(&seen[0]).content, "linger");
    slow.close().await;
    fast.close().await;
}

/// Reads as a follower does: on from the last number that it has seen.
fn message(event: &JournalEvent) -> MessageView {
    event.data.parse().unwrap()
}

async fn follow(store: &Store, until: Seq) -> Vec<JournalEvent> {
    let mut seen: Vec<JournalEvent> = vec![];
    loop {
        let after = seen.last().map_or(Seq(0), |event| event.seq);
        if after >= until {
            return seen;
        }
        let more = store.journal().after(after, 7).await.unwrap();
        if more.is_empty() {
            tokio::task::yield_now().await;
        }
        seen.extend(more);
    }
}

async fn write_wakes_follower_of_own_process(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let mut head = store.head();
    assert_eq!(*head.borrow_and_update(), Seq(0));
    take(&store, inbound(&ada, "A1", "x", BEGIN)).await.unwrap();
    head.changed().await.unwrap();
    assert_eq!(*head.borrow_and_update(), Seq(1));
    if database.kind == Kind::Postgres {
        // And by others, where the database tells.
        let other = database.open().await;
        take(&other, inbound(&ada, "A2", "x", BEGIN)).await.unwrap();
        tokio::time::timeout(Duration::from_secs(20), head.changed())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(*head.borrow(), Seq(2));
        other.close().await;
    }
    store.close().await;
    let store = database.open().await;
    assert!(*store.head().borrow() >= Seq(1), "a new process begins with the truth");
    store.close().await;
}

async fn events_of_one_transaction_stay_together(database: Database) {
    type MakeEvent = fn(&Conversation) -> Event;
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let (one, two) = (ada.clone(), ada.clone());
    let emit = |conversation: Conversation, events: [MakeEvent; 2]| {
        store.write((conversation, events), |tx, (conversation, events)| {
            async move {
                for event in events {
                    tx.emit(event(conversation));
                }
                Ok::<_, StoreError>(())
            }
            .boxed()
        })
    };
    let (read, updated) = tokio::join!(
        emit(one, [Event::conversation_read, Event::conversation_updated]),
        emit(two, [Event::conversation_updated, Event::conversation_read]),
    );
    read.unwrap();
    updated.unwrap();
    let kinds: Vec<_> = store
        .journal()
        .after(Seq(0), 10)
        .await
        .unwrap()
        .into_iter()
        .map(|event| event.kind)
        .collect();
    assert_eq!(kinds[0], kinds[3]);
    assert_eq!(kinds[1], kinds[2]);
    assert_ne!(kinds[0], kinds[1]);
    store.close().await;
}

async fn pruned_range_is_reported(database: Database) {
    const DAY: Duration = Duration::from_hours(24);
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let range = |oldest, head| JournalRange {
        oldest: Seq(oldest),
        head: Seq(head),
    };
    assert_eq!(store.journal().range().await.unwrap(), range(1, 0));
    for i in 0..4 {
        take(&store, inbound(&ada, &format!("A{i}"), "x", BEGIN)).await.unwrap();
        database.clock.advance(DAY);
    }
    let before = |days: i64| Timestamp(BEGIN.0 + days * 86_400_000);
    assert_eq!(store.journal().prune(before(0)).await.unwrap(), 0);
    assert_eq!(store.journal().prune(before(2)).await.unwrap(), 2);
    assert_eq!(store.journal().range().await.unwrap(), range(3, 4));
    assert_eq!(store.journal().after(Seq(0), 10).await.unwrap()[0].seq, Seq(3));
    assert_eq!(store.journal().prune(before(9)).await.unwrap(), 2);
    assert_eq!(store.journal().range().await.unwrap(), range(5, 4));
    // Numbers are never used again.
    take(&store, inbound(&ada, "B", "x", BEGIN)).await.unwrap();
    assert_eq!(store.journal().after(Seq(0), 10).await.unwrap()[0].seq, Seq(5));
    store.close().await;
}
