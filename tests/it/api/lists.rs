//! Lists: pages by key, each with the way to the next.

use serde_json::{Value, json};

use super::app::App;

/// Goes from page to page by the `Link` header.
async fn walk(app: &App, path: &str) -> (Vec<Value>, usize) {
    let (mut rows, mut pages, mut next) = (vec![], 0, Some(path.to_owned()));
    while let Some(path) = next {
        let answer = app.get(&path).await;
        assert_eq!(answer.status(), 200, "{path}");
        next = answer.headers().get("link").map(|link| {
            let link = link.to_str().unwrap();
            assert!(link.ends_with("; rel=\"next\""), "{link}");
            link[1..].split('>').next().unwrap().to_owned()
        });
        let page: Value = answer.json().await.unwrap();
        assert_eq!(page["has_more"], next.is_some());
        assert_eq!(page["next_cursor"].is_string(), next.is_some());
        rows.extend(page["data"].as_array().unwrap().clone());
        pages += 1;
    }
    (rows, pages)
}

fn names(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn list_pages_both_ways_without_gap() {
    let app = App::start().await;
    for n in 1..=5 {
        app.inbound(&format!("Customer {n}"), &format!("+44770090000{n}"), "hello")
            .await;
    }
    let (rows, pages) = walk(&app, "/api/v1/customers?limit=2").await;
    assert_eq!(
        names(&rows),
        ["Customer 1", "Customer 2", "Customer 3", "Customer 4", "Customer 5"]
    );
    assert_eq!(pages, 3);
    let (rows, _) = walk(&app, "/api/v1/customers?limit=2&order=desc").await;
    assert_eq!(
        names(&rows),
        ["Customer 5", "Customer 4", "Customer 3", "Customer 2", "Customer 1"]
    );

    // Between two bounds, and next to one.
    let mut cursors = vec![];
    for limit in 1..=4 {
        let page = app.json(&format!("/api/v1/customers?limit={limit}")).await;
        cursors.push(page["next_cursor"].as_str().unwrap().to_owned());
    }
    let (first, fourth) = (&cursors[0], &cursors[3]);
    let middle = app
        .json(&format!("/api/v1/customers?after={first}&before={fourth}"))
        .await;
    assert_eq!(names(middle["data"].as_array().unwrap()), ["Customer 2", "Customer 3"]);
    let near = app.json(&format!("/api/v1/customers?before={fourth}&limit=2")).await;
    assert_eq!(names(near["data"].as_array().unwrap()), ["Customer 3", "Customer 2"]);

    let (found, _) = walk(&app, "/api/v1/customers?search=customer%203").await;
    assert_eq!(names(&found), ["Customer 3"]);
    app.stop().await;
}

#[tokio::test]
async fn conversation_and_messages_match_contract() {
    let app = App::start().await;
    let first = app.inbound("Ada", "+447700900123", "one").await;
    app.inbound("Ada", "+447700900123", "three").await;
    let conversations = app.json("/api/v1/conversations").await;
    insta::assert_json_snapshot!("conversations", conversations);
    let path = format!("/api/v1/conversations/{}/messages", first.conversation_id);
    insta::assert_json_snapshot!("messages", app.json(&path).await);
    insta::assert_json_snapshot!("customer", app.json("/api/v1/customers/1").await);
    let (messages, _) = walk(&app, &format!("{path}?limit=1")).await;
    let contents: Vec<_> = messages.iter().map(|message| &message["content"]).collect();
    assert_eq!(contents, [&json!("one"), &json!("three")]);
    assert_eq!(app.get("/api/v1/conversations/99/messages").await.status(), 404);
    app.stop().await;
}
