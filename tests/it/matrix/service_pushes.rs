//! What the homeserver pushes: taken in once, whatever is in it, and answered when it is stored.

use crm::domain::matrix::{Matrix, RoomBatch, RoomEvent, RoomMark};
use reqwest::Method;
use serde_json::{Value, json};
use testbed::agents::{Client, Content};
use testbed::quick;

use super::desk::{SOON, person, spec, until};
use super::service_desk::{HS_TOKEN, ServiceDesk, homeserver, texts};

/// The bound of a transaction is 32 MiB; Synapse's largest have some 6 MB.
const LARGE: usize = 6 << 20;
/// Some time in 2096, so that no event is older than the desk.
const LATER: i64 = 4_000_000_000_000;

fn message(id: &str, body: &str) -> Value {
    json!({
        "type": "m.room.message", "event_id": id, "room_id": "!r:localhost", "sender": "@nils:localhost",
        "origin_server_ts": LATER, "content": {"msgtype": "m.text", "body": body},
    })
}

async fn push(desk: &ServiceDesk, id: &str, events: Vec<Value>) -> u16 {
    let body = json!({"events": events}).to_string();
    let path = format!("/_matrix/app/v1/transactions/{id}");
    desk.call(Method::PUT, &path, Some(HS_TOKEN), body)
        .await
        .status()
        .as_u16()
}

#[tokio::test]
async fn pushes_are_taken_in_once_whatever_is_in_them() {
    if quick() {
        return;
    }
    let (synapse, options, port) = homeserver().await;
    let desk = ServiceDesk::follow(options, port, None).await;
    // A forged one is counted, and read no further.
    let path = "/_matrix/app/v1/transactions/f1";
    let forged = json!({"events": [message("$f", "forged")]}).to_string();
    for token in [Some("wrong"), Some(&HS_TOKEN[1..]), None] {
        let answer = desk.call(Method::PUT, path, token, forged.clone()).await;
        assert_eq!(
            answer.status().as_u16(),
            if token.is_some() { 403 } else { 401 },
            "{token:?}"
        );
    }
    let query = format!("{path}?access_token={HS_TOKEN}");
    assert_eq!(desk.call(Method::PUT, &query, None, forged).await.status(), 401);
    assert_eq!(desk.metrics.refused_pushes.get(), 4);

    assert_eq!(push(&desk, "t1", vec![message("$1", "one")]).await, 200);
    assert_eq!(push(&desk, "t1", vec![message("$1", "one")]).await, 200);
    // What cannot be read is left out, and counted.
    let broken = vec![
        json!(5),
        json!({"event_id": "$x"}),
        message("$2", "two"),
        json!({"sender": {}}),
    ];
    assert_eq!(push(&desk, "t2", broken).await, 200);
    assert_eq!(desk.metrics.unreadable_events.get(), 3);
    let none = desk.call(
        Method::PUT,
        "/_matrix/app/v1/transactions/t3",
        Some(HS_TOKEN),
        "no json".to_owned(),
    );
    assert_eq!(none.await.status(), 200);
    let many: Vec<Value> = (0..100)
        .map(|number| message(&format!("$large{number}"), &"x".repeat(LARGE / 100)))
        .collect();
    assert_eq!(push(&desk, "t4", many).await, 200);
    // Our own users' events are not told again.
    let mut own = message("$own", "mine");
    own["sender"] = json!("@wa_1:localhost");
    assert_eq!(push(&desk, "t5", vec![own, message("$3", "three")]).await, 200);
    let texts = desk.texts();
    assert_eq!(texts.len(), 103);
    assert_eq!([&texts[0], &texts[1], &texts[102]], ["one", "two", "three"]);

    for (method, path, status) in [
        (Method::POST, "/_matrix/app/v1/ping", 200),
        (Method::GET, "/_matrix/app/v1/users/@crm:localhost", 200),
        (Method::GET, "/_matrix/app/v1/users/@wa_99:localhost", 404),
        (Method::GET, "/_matrix/app/v1/rooms/%23crm_x:localhost", 404),
    ] {
        let answer = desk.call(method.clone(), path, Some(HS_TOKEN), "{}".to_owned()).await;
        assert_eq!(answer.status().as_u16(), status, "{path}");
        assert_eq!(
            desk.call(method, path, Some("wrong"), String::new()).await.status(),
            403
        );
    }
    drop(synapse);
}

/// Killed before the commit, the homeserver pushes it again; killed after it, it is known by its mark.
#[tokio::test]
async fn uncommitted_push_comes_again_committed_one_does_not() {
    if quick() {
        return;
    }
    let (synapse, options, port) = homeserver().await;
    let nils = person(&synapse, Client::Nio, "nils").await;
    let desk = ServiceDesk::start(options, port).await;
    let start = desk.service.pull(None).await.unwrap().mark;
    let room = desk.service.ensure_room(&spec("crm_ada", &[&nils])).await.unwrap();
    nils.until_room("Ada", SOON).await.unwrap();
    let mark = drain(&desk, start).await;
    nils.send(room.as_str(), Content::text("one")).await.unwrap();
    let batch = next(&desk, &mark, &[]).await;
    assert_eq!(texts(&batch.events), ["one"]);
    // Ended between the pull and the commit: the homeserver got no answer.
    let (options, port, _) = desk.stop().await;
    let desk = ServiceDesk::start(options, port).await;
    let batch = next(&desk, &mark, &[]).await;
    assert_eq!(texts(&batch.events), ["one"]);
    // Ended between the commit and the answer to the homeserver: it pushes again, and is told that it is stored.
    let (options, port, _) = desk.stop().await;
    let desk = ServiceDesk::start(options, port).await;
    nils.send(room.as_str(), Content::text("two")).await.unwrap();
    let batch = next(&desk, &batch.mark, &batch.events).await;
    assert_eq!(texts(&batch.events), ["two"]);
    drop(synapse);
}

/// Pulls until something with texts comes that are not among those that were taken in.
async fn next(desk: &ServiceDesk, since: &RoomMark, taken: &[RoomEvent]) -> RoomBatch {
    let mut since = since.clone();
    until("a text", async || {
        let mut batch = desk.service.pull(Some(&since)).await.unwrap();
        since = batch.mark.clone();
        batch
            .events
            .retain(|event| taken.iter().all(|known| known.id != event.id));
        (!texts(&batch.events).is_empty()).then_some(batch)
    })
    .await
}

/// Acknowledges what came until the agent has joined. Returns the mark.
async fn drain(desk: &ServiceDesk, since: RoomMark) -> RoomMark {
    let mut since = since;
    let nils = "@nils:localhost";
    until("Nils to join", async || {
        let batch = desk.service.pull(Some(&since)).await.unwrap();
        since = batch.mark.clone();
        batch
            .events
            .iter()
            .any(|event| event.sender.as_str() == nils)
            .then_some(())
    })
    .await;
    since
}
