//! Cursors and filters of lists, exports and streams: none that belongs elsewhere, contradicts itself, or names nothing.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{of, problem};
use crate::api::app::App;
use crate::store::database::crossing::Other;
use crate::store::database::databases::{Database, Kind};
use crate::store::database::raw;
use crate::ws::client::Client;

const PATIENCE: Duration = Duration::from_secs(20);

/// A server with three customers, each with two messages, and two keys, agents, templates and notes.
async fn peopled() -> App {
    let app = App::start().await;
    for n in 1..=3 {
        for text in ["one", "two"] {
            app.inbound("Ada", &format!("+44770090012{n}"), text).await;
        }
    }
    for name in ["a", "b"] {
        app.post("/api/v1/agents", &json!({ "name": name })).await;
        app.post("/api/v1/templates", &json!({ "name": name, "body": "hello" }))
            .await;
        app.post("/api/v1/conversations/1/notes", &json!({ "content": name }))
            .await;
        app.key_of(crm::contract::Scope::Read).await;
    }
    app
}

const LISTS: &[&str] = &[
    "/api/v1/customers",
    "/api/v1/customers?search=a",
    "/api/v1/conversations",
    "/api/v1/conversations?status=open",
    "/api/v1/conversations/1/messages",
    "/api/v1/conversations/2/messages",
    "/api/v1/conversations/1/notes",
    "/api/v1/agents",
    "/api/v1/agents?active=true",
    "/api/v1/templates",
    "/api/v1/keys",
    "/api/v1/audit",
];

fn with(path: &str, more: &str) -> String {
    let sign = if path.contains('?') { '&' } else { '?' };
    format!("{path}{sign}{more}")
}

#[tokio::test]
async fn cursor_of_another_list_or_filter_is_refused() {
    let app = peopled().await;
    let mut cursors = vec![];
    for list in LISTS {
        let page = app.json(&with(list, "limit=1&order=asc")).await;
        let cursor = page["next_cursor"]
            .as_str()
            .unwrap_or_else(|| panic!("{list} has two rows"));
        cursors.push((*list, cursor.to_owned()));
    }
    for list in LISTS {
        for (of_list, cursor) in &cursors {
            for side in ["after", "before"] {
                let answer = app.get(&with(list, &format!("{side}={cursor}"))).await;
                if list == of_list {
                    assert_eq!(answer.status(), 200, "{list} {side}");
                } else {
                    let pointer = format!("/{side}");
                    assert_eq!(
                        problem(answer).await,
                        of(400, "invalid_query", &pointer),
                        "{list} {side} of {of_list}"
                    );
                }
            }
        }
    }
    // The size and the order of a page may change on the way, and the order of the parameters says nothing.
    let (_, cursor) = &cursors[3];
    app.json(&format!(
        "/api/v1/conversations?after={cursor}&limit=7&status=open&order=desc"
    ))
    .await;
    app.stop().await;
}

#[tokio::test]
async fn forged_cursor_is_refused() {
    let app = peopled().await;
    for forged in ["0.1", "-5.-5", "1", "", "AAAA", "x.y", &"A".repeat(300)] {
        for side in ["after", "before"] {
            let answer = app.get(&format!("/api/v1/conversations?{side}={forged}")).await;
            let pointer = format!("/{side}");
            assert_eq!(
                problem(answer).await,
                of(400, "invalid_query", &pointer),
                "{side}={forged}"
            );
        }
    }
    let page = app.json("/api/v1/customers?limit=1").await;
    let cursor = page["next_cursor"].as_str().unwrap();
    for at in 0..cursor.len() {
        let mut bent = cursor.as_bytes().to_vec();
        bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };
        let bent = String::from_utf8(bent).unwrap();
        let answer = app.get(&format!("/api/v1/customers?after={bent}")).await;
        assert_eq!(answer.status(), 400, "{cursor} as {bent}");
    }
    app.stop().await;
}

#[tokio::test]
async fn contradicting_accounts_are_refused() {
    let app = peopled().await;
    let own = app.account.0;
    for path in ["/api/v1/conversations", "/api/v1/export/messages"] {
        for (query, expected) in [
            (
                format!("account=default&account_id={}", own + 1),
                Some(of(400, "invalid_query", "/account_id")),
            ),
            ("account_id=77".to_owned(), Some(of(404, "not_found", "/account_id"))),
            ("account=nope".to_owned(), Some(of(404, "not_found", "/account"))),
            (format!("account=default&account_id={own}"), None),
            (format!("account_id={own}"), None),
        ] {
            let answer = app.get(&format!("{path}?{query}")).await;
            match expected {
                Some(expected) => assert_eq!(problem(answer).await, expected, "{path}?{query}"),
                None => assert_eq!(answer.status(), 200, "{path}?{query}"),
            }
        }
    }
    let export = async |filter: Value| {
        let mut body = json!({ "what": "messages" });
        body.as_object_mut()
            .unwrap()
            .extend(filter.as_object().unwrap().clone());
        problem(app.post("/api/v1/exports", &body).await).await
    };
    let wrong = |pointer| of(422, "invalid_body", pointer);
    assert_eq!(
        export(json!({ "account": "default", "account_id": own + 1 })).await,
        wrong("/account_id")
    );
    for field in ["account_id", "customer_id", "conversation_id"] {
        let pointer = format!("/{field}");
        assert_eq!(export(json!({ field: 77 })).await, of(404, "not_found", &pointer));
    }
    let backwards = json!({ "from": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z" });
    assert_eq!(export(backwards).await, wrong("/until"));
    assert_eq!(export(json!({ "account": "default", "account_id": own })).await.0, 202);
    app.stop().await;
}

/// An empty export would be taken for a customer who never wrote.
#[tokio::test]
async fn filter_that_names_nothing_is_not_found() {
    let app = peopled().await;
    for path in [
        "/api/v1/export/messages?customer_id=77",
        "/api/v1/export/messages?conversation_id=77",
        "/api/v1/conversations?customer_id=77",
        "/api/v1/events?conversation_ids=1,77",
    ] {
        let answer = app.get(path).await;
        assert_eq!(answer.status(), 404, "{path}");
        let told: Value = answer.json().await.unwrap();
        assert!(told["detail"].as_str().unwrap().contains("77"), "{told}");
    }
    for path in ["/api/v1/export/messages", "/api/v1/audit"] {
        let backwards = "from=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z";
        let answer = app.get(&format!("{path}?{backwards}")).await;
        let (status, code, pointer) = problem(answer).await;
        assert_eq!(
            (status, code.as_str(), pointer.as_str()),
            (400, "invalid_query", "/until"),
            "{path}"
        );
    }
    app.json(&format!(
        "/api/v1/conversations?customer_id=1&account_id={}",
        app.account
    ))
    .await;
    assert_eq!(
        app.get("/api/v1/export/messages?conversation_id=1&customer_id=1")
            .await
            .status(),
        200
    );
    app.stop().await;
}

/// Programs know a conversation by the id that they were told, whether it is merged before they follow it or while they do.
#[tokio::test]
async fn filter_follows_conversation_through_merge() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "from one number").await;
    app.inbound("Ada", "+447700900124", "from another").await;
    let filter = json!({ "conversation_ids": [2] });
    let (mut before, _) = Client::identified(&app, json!({ "filter": filter })).await;
    assert_eq!(
        app.post("/api/v1/customers/1/merge", &json!({ "with": 2 }))
            .await
            .status(),
        200
    );
    let (mut after, _) = Client::identified(&app, json!({ "filter": filter, "resume_from": 0 })).await;
    assert_eq!(
        after.frame().await["d"]["content"],
        "from one number",
        "of the conversation that goes on"
    );
    assert_eq!(after.frame().await["d"]["content"], "from another", "under its own id");
    assert_eq!(after.frame().await["op"], "resumed");
    let mut stream = app.get("/api/v1/events?conversation_ids=2").await;
    assert!(stream.chunk().await.unwrap().is_some(), "it has begun");
    app.inbound("Ada", "+447700900124", "after the merge").await;
    for client in [&mut before, &mut after] {
        let frame = client.frame().await;
        assert_eq!(
            (&frame["d"]["content"], &frame["conversation_id"]),
            (&json!("after the merge"), &json!(1))
        );
    }
    let event = stream.chunk().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&event).contains("after the merge"));
    drop(stream);
    app.stop().await;
}

/// A number that no event has yet, up to the largest that there is.
#[tokio::test]
async fn stream_resumed_from_the_future_begins_anew() {
    let app = peopled().await;
    for seq in [1_000_000, i64::MAX] {
        let answer = app.get(&format!("/api/v1/events?resume_from={seq}")).await;
        assert_eq!(answer.status(), 200, "{seq}");
        let mut pieces = answer.bytes_stream();
        let mut text = String::new();
        while !text.contains("resync_required") {
            let piece = timeout(PATIENCE, pieces.next()).await.expect("it is told in time");
            text.push_str(std::str::from_utf8(&piece.unwrap().unwrap()).unwrap());
        }
    }
    app.stop().await;
}

/// Runs the beginning of a follower, while another process merges the second conversation into the first before the follower
/// can read the head of the journal.
async fn merged_while<T>(database: &Database, begins: impl Future<Output = T>) -> T {
    raw::execute(database, "UPDATE conversations SET merged_into = NULL").await;
    let other = Other::begin(database).await;
    other.run("LOCK TABLE journal_head IN ACCESS EXCLUSIVE MODE").await;
    other.run("UPDATE conversations SET merged_into = 1 WHERE id = 2").await;
    let (begun, ()) = tokio::join!(begins, other.commit_once_waited_for(database));
    begun
}

/// The event of such a merge is not among those that follow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filter_knows_merge_before_its_first_event() {
    if testbed::quick() {
        return;
    }
    let database = Database::new(Kind::Postgres).await;
    let app = App::at(&database.url).await;
    app.inbound("Ada", "+447700900123", "from one number").await;
    app.inbound("Ada", "+447700900124", "from another").await;
    let filter = json!({ "filter": { "conversation_ids": [2] } });
    let (mut client, _) = Box::pin(merged_while(&database, Client::identified(&app, filter))).await;
    let mut stream = merged_while(&database, app.get("/api/v1/events?conversation_ids=2")).await;
    assert!(stream.chunk().await.unwrap().is_some(), "it has begun");
    app.inbound("Ada", "+447700900123", "after the merge").await;
    assert_eq!(client.frame().await["d"]["content"], "after the merge");
    let event = stream.chunk().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&event).contains("after the merge"));
    drop(stream);
    app.stop().await;
}
