//! Server-sent events: the superseded system's, and those of the API proper.

use std::time::Duration;

use crm::api::SocketLimits;
use crm::contract::{Event as Told, Scope};
use crm::domain::MessageId;
use crm::domain::message::MessageState;
use crm::store::StoreError;
use futures_util::FutureExt as _;
use reqwest::Method;
use serde_json::json;

use super::{Events, NOW, post, told};
use crate::api::app::App;

const STREAM: &str = "/messages/events/stream";

/// A message of ours comes to this state, as when WhatsApp says so.
async fn becomes(app: &App, id: i64, state: MessageState) {
    let changed = app.store.write::<_, _, StoreError, _>((id, state), |tx, &(id, state)| {
        async move {
            let message = tx.messages().set_state(MessageId(id), state, None).await?;
            tx.emit(Told::message_state(&message));
            Ok(())
        }
        .boxed()
    });
    changed.await.unwrap();
}

#[tokio::test]
async fn superseded_events_are_unnamed_objects() {
    let app = App::start().await;
    let mut events = Events::open(&app, &app.key, STREAM, None).await;
    post(&app, "/messages/inbox", &told("447700900101", "Ada", "hello", "A1")).await;
    let customer = json!({
        "id": 1, "name": "Ada", "phone": "+447700900101", "status": "active", "photo_url": null, "unread_count": 0,
        "created_at": NOW, "updated_at": NOW, "last_message": null,
    });
    let first = events.next().await.unwrap();
    assert_eq!(first.data, json!({ "type": "new_customer", "customer": customer }));
    assert_eq!(first.name, None);
    let message = json!({
        "id": 1, "customer_id": 1, "direction": "inbound", "content": "hello", "timestamp": NOW, "ack": null,
        "whatsapp_id": "A1",
    });
    let second = events.next().await.unwrap();
    assert_eq!(
        second.data,
        json!({ "type": "inbound_message", "customer_id": 1, "message": message })
    );
    let numbers = [&first, &second].map(|event| event.id.as_ref().unwrap().parse::<i64>().unwrap());
    assert!(numbers[0] < numbers[1], "{numbers:?}");

    // A message of ours that the customer reads.
    app.inbound("Ada", "+447700900101", "are you there?").await;
    assert_eq!(events.data().await["type"], "inbound_message");
    let (_, sent) = post(&app, "/messages/send", &json!({ "customer_id": 1, "content": "yes" })).await;
    let id = sent["id"].as_i64().unwrap();
    for state in [
        MessageState::Sending,
        MessageState::Sent,
        MessageState::Delivered,
        MessageState::Read,
    ] {
        becomes(&app, id, state).await;
    }
    assert_eq!(events.data().await, json!({ "type": "message_seen", "customer_id": 1 }));
    assert_eq!(app.json("/messages/1").await[2]["ack"], 3);

    // Nothing is missed, and nothing comes twice.
    drop(events);
    post(&app, "/messages/inbox", &told("447700900101", "Ada", "bye", "A2")).await;
    let mut again = Events::open(&app, &app.key, STREAM, first.id.as_deref()).await;
    assert_eq!(again.next().await.unwrap(), second);
    let types = [again.data().await, again.data().await, again.data().await].map(|data| data["type"].clone());
    assert_eq!(types, ["inbound_message", "message_seen", "inbound_message"]);
    app.stop().await;
}

#[tokio::test]
async fn event_stream_is_journal_with_filter_and_cursor() {
    let app = App::start().await;
    let mut all = Events::open(&app, &app.key, "/api/v1/events", None).await;
    app.inbound("Ada", "+447700900101", "hello").await;
    app.inbound("Bob", "+447700900102", "hello").await;
    post(&app, "/messages/send", &json!({ "customer_id": 2, "content": "hi" })).await;
    let path = "/api/v1/events?types=message.received,message.queued&conversation_ids=2&account=default&resume_from=0";
    let mut some = Events::open(&app, &app.key, path, None).await;
    let first = all.next().await.unwrap();
    assert_eq!(first.data["seq"].to_string(), first.id.clone().unwrap());
    assert_eq!(
        (&first.data["type"], &first.data["at"]),
        (&"message.received".into(), &NOW.into())
    );
    assert_eq!(first.data["data"]["content"], "hello");
    let told = [some.data().await, some.data().await];
    assert_eq!(
        (&told[0]["type"], &told[0]["customer_id"]),
        (&"message.received".into(), &2.into())
    );
    assert_eq!(
        (&told[1]["type"], &told[1]["data"]["content"]),
        (&"message.queued".into(), &"hi".into())
    );

    let since = first.id.unwrap();
    let mut resumed = Events::open(&app, &app.key, &format!("/api/v1/events?resume_from={since}"), None).await;
    assert_eq!(resumed.data().await["customer_id"], 2);
    // A number that was never given out: the client has to load what it shows again.
    let mut lost = Events::open(&app, &app.key, "/api/v1/events", Some("4711")).await;
    let event = lost.next().await.unwrap();
    assert_eq!(event.name.as_deref(), Some("resync_required"));
    assert_eq!(event.data, json!({ "oldest": 1 }));
    assert_ne!(event.id.as_deref(), Some("4711"), "the next time it goes on from here");
    for path in [
        "/api/v1/events?types=message.sent",
        "/api/v1/events?conversation_ids=ada",
        "/api/v1/events?since=1",
        "/messages/events/stream?token=x",
    ] {
        assert_eq!(app.get(path).await.status(), 400, "{path}");
    }
    assert_eq!(app.get("/api/v1/events?account=nobody").await.status(), 404);
    let twice = app
        .request(Method::GET, "/api/v1/events")
        .header("Last-Event-ID", "1")
        .header("Last-Event-ID", "2");
    assert_eq!(
        twice.send().await.unwrap().status(),
        400,
        "which of the two would count?"
    );
    app.stop().await;
}

#[tokio::test]
async fn event_stream_ends_with_its_key_and_with_server() {
    let app = App::start().await;
    let key = app.key_of(Scope::Read).await;
    let mut revoked = Events::open(&app, &key, STREAM, None).await;
    let mut kept = Events::open(&app, &app.key, "/api/v1/events", None).await;
    let keys = app.json("/api/v1/keys").await;
    let id = keys["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["id"].as_i64().unwrap())
        .max()
        .unwrap();
    app.post(&format!("/api/v1/keys/{id}/revoke"), &json!({})).await;
    assert_eq!(revoked.next().await, None);
    let (ended, ()) = tokio::join!(kept.next(), app.stop());
    assert_eq!(ended, None);
}

#[tokio::test]
async fn event_streams_are_bounded_and_counted() {
    let limits = SocketLimits {
        sockets: 2,
        ..SocketLimits::default()
    };
    let app = App::with(limits).await;
    let one = Events::open(&app, &app.key, STREAM, None).await;
    let _other = Events::open(&app, &app.key, "/api/v1/events", None).await;
    let refused = app.get(STREAM).await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    let metrics = app.get("/metrics").await.text().await.unwrap();
    assert!(metrics.contains("crm_event_streams 2\n"), "{metrics}");
    // A client that leaves gives its place back, once the server notices.
    drop(one);
    let patience = Duration::from_secs(20);
    let free = tokio::time::timeout(patience, async {
        while app.get(STREAM).await.status() != 200 {
            tokio::task::yield_now().await;
        }
    });
    free.await.expect("a place is free again");
    app.stop().await;
}
