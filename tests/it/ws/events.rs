//! Events: each once, in order, from the client's own cursor.

use crm::api::SocketLimits;
use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::client::Client;
use crate::api::app::{App, NOW};

async fn events(client: &mut Client, count: usize) -> Vec<Value> {
    let mut events = vec![];
    while events.len() < count {
        let frame = client.frame().await;
        assert_eq!(frame["op"], "event", "{frame}");
        events.push(frame);
    }
    events
}

fn numbers(events: &[Value]) -> Vec<i64> {
    events.iter().map(|event| event["s"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn event_frame_has_journal_columns() {
    let app = App::start().await;
    let (mut client, _) = Client::identified(&app, json!({})).await;
    app.inbound("Ada", "+447700900123", "hello").await;
    insta::assert_json_snapshot!(client.frame().await);
    app.stop().await;
}

/// Invariant 6.
#[tokio::test]
async fn resumed_client_gets_missed_then_live_events() {
    let app = App::start().await;
    for n in 0..1200 {
        app.inbound("Ada", "+447700900123", &"x".repeat(n + 1)).await;
    }
    let (mut client, ready) = Client::identified(&app, json!({ "resume_from": 100 })).await;
    assert_eq!(ready["seq"], 1200);
    let missed = events(&mut client, 1100).await;
    assert_eq!(numbers(&missed), (101..=1200).collect::<Vec<_>>());
    assert_eq!(
        client.frame().await,
        json!({ "op": "resumed", "d": { "replayed": 1100 } })
    );
    app.inbound("Ada", "+447700900123", "live").await;
    assert_eq!(numbers(&events(&mut client, 1).await), [1201]);

    let (mut current, _) = Client::identified(&app, json!({ "resume_from": 1201 })).await;
    assert_eq!(
        current.frame().await,
        json!({ "op": "resumed", "d": { "replayed": 0 } })
    );
    app.stop().await;
}

/// Invariant 6: while writers and followers race.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_followers_see_each_event_once() {
    const EVENTS: usize = 200;
    let app = App::start().await;
    let write = async {
        for n in 0..EVENTS {
            app.inbound("Ada", "+447700900123", &"x".repeat(n + 1)).await;
        }
    };
    let follow = join_all((0..8).map(|n| {
        let app = &app;
        async move {
            for _ in 0..n * 3 {
                tokio::task::yield_now().await;
            }
            let (mut client, _) = Client::identified(app, json!({ "resume_from": 0 })).await;
            let mut seen = vec![];
            while seen.len() < EVENTS {
                let frame = client.frame().await;
                if frame["op"] == "event" {
                    seen.push(frame["s"].as_i64().unwrap());
                }
            }
            seen
        }
    }));
    let (seen, ()) = tokio::join!(follow, write);
    let all: Vec<i64> = (1..=i64::try_from(EVENTS).unwrap()).collect();
    for seen in seen {
        assert_eq!(seen, all);
    }
    app.stop().await;
}

/// rule 23.
#[tokio::test]
async fn stale_cursor_gets_resync_then_live_events() {
    let app = App::start().await;
    for n in 0..3 {
        app.inbound("Ada", "+447700900123", &"x".repeat(n + 1)).await;
    }
    app.store
        .journal()
        .prune(NOW.plus(std::time::Duration::from_secs(1)))
        .await
        .unwrap();
    let oldest = app.store.journal().range().await.unwrap().oldest;
    let (mut client, ready) = Client::identified(&app, json!({ "resume_from": 0 })).await;
    assert_eq!(ready["oldest"], oldest.0);
    assert_eq!(
        client.frame().await,
        json!({ "op": "resync_required", "d": { "oldest": oldest } })
    );
    app.inbound("Ada", "+447700900123", "live").await;
    assert_eq!(numbers(&events(&mut client, 1).await), [4]);
    app.stop().await;
}

#[tokio::test]
async fn filter_passes_only_named_events() {
    let app = App::start().await;
    let first = app.inbound("Ada", "+447700900123", "one").await;
    let second = app.inbound("Bob", "+447700900124", "two").await;
    let filter = |filter: Value| json!({ "resume_from": 0, "filter": filter });
    let replayed = async |wanted: Value| {
        let (mut client, _) = Client::identified(&app, filter(wanted)).await;
        let mut seen = vec![];
        loop {
            let frame = client.frame().await;
            if frame["op"] == "resumed" {
                assert_eq!(frame["d"]["replayed"], seen.len());
                return seen;
            }
            seen.push(frame["s"].as_i64().unwrap());
        }
    };
    assert_eq!(replayed(json!({})).await, [1, 2]);
    assert_eq!(
        replayed(json!({ "conversation_ids": [second.conversation_id] })).await,
        [2]
    );
    assert_eq!(
        replayed(json!({ "types": ["message.received"], "conversation_ids": [first.conversation_id] })).await,
        [1]
    );
    assert_eq!(replayed(json!({ "types": ["message.state"] })).await, [0_i64; 0]);
    assert_eq!(replayed(json!({ "account": "default" })).await, [1, 2]);
    let other = app
        .store
        .write((), |tx, ()| async move { tx.accounts().create("other").await }.boxed())
        .await
        .unwrap();
    assert_ne!(other.id, app.account);
    assert_eq!(replayed(json!({ "account": "other" })).await, [0_i64; 0]);
    app.stop().await;
}

#[tokio::test]
async fn heartbeat_is_answered_silence_closes() {
    let limits = SocketLimits {
        heartbeat: std::time::Duration::from_mins(1),
        silence: std::time::Duration::from_millis(300),
        ..SocketLimits::default()
    };
    let app = App::with(limits).await;
    let (mut client, _) = Client::identified(&app, json!({})).await;
    client.say(&json!({ "op": "heartbeat", "s": 7 })).await;
    assert_eq!(client.frame().await, json!({ "op": "heartbeat_ack", "s": 7 }));
    assert_eq!(client.close_code().await, 4009);
    app.stop().await;
}

/// One reader of the journal serves all clients: what an event costs the database does not grow with those who follow.
#[tokio::test]
async fn event_is_read_once_for_all_followers() {
    const FOLLOWERS: usize = 40;
    let app = App::start().await;
    let mut clients = vec![];
    let mut costs = vec![];
    for count in [1, FOLLOWERS] {
        while clients.len() < count {
            clients.push(Client::identified(&app, json!({})).await.0);
        }
        let mut least = u32::MAX;
        for n in 0..4 {
            let told = app.statements_of(async {
                app.inbound("Ada", "+447700900123", &format!("{count} {n}")).await;
                let frames = join_all(clients.iter_mut().map(Client::next)).await;
                assert!(frames.iter().all(|frame| frame == &frames[0]), "{frames:?}");
            });
            least = least.min(told.await);
        }
        costs.push(least);
    }
    // The reader may find two events at once, or look once more.
    assert!(
        costs[1] <= costs[0] + 2,
        "statements for 1 and {FOLLOWERS} followers: {costs:?}"
    );
    app.stop().await;
}
