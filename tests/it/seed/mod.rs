//! The superseded system's front end and gateway, with the requests as they make them, against the real router and store.

mod browser;
mod front_end;
mod gateway;
mod keys;
mod photos;
mod stream;

use futures_util::StreamExt as _;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::api::app::App;

/// When everything happens, as the answers tell it.
const NOW: &str = "2026-09-21T14:13:20.000Z";

/// Returns the body that the gateway posts when a customer writes.
fn told(phone: &str, name: &str, content: &str, id: &str) -> Value {
    json!({ "phone": phone, "name": name, "content": content, "whatsapp_id": id })
}

/// Posts, and gives the status with the answer.
async fn post(app: &App, path: &str, body: &Value) -> (u16, Value) {
    read(app.post(path, body).await).await
}

/// Posts with this key.
async fn post_as(app: &App, key: &str, path: &str, body: &Value) -> (u16, Value) {
    let request = app.bare(Method::POST, path).bearer_auth(key).json(body);
    read(request.send().await.unwrap()).await
}

async fn get_as(app: &App, key: &str, path: &str) -> (u16, Value) {
    let request = app.bare(Method::GET, path).bearer_auth(key);
    read(request.send().await.unwrap()).await
}

async fn read(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap())
}

/// Returns where a request is wrong: the pointer of the only wrong field.
fn pointer(problem: &Value) -> &str {
    assert_eq!(problem["errors"].as_array().map(Vec::len), Some(1), "{problem}");
    problem["errors"][0]["pointer"].as_str().unwrap()
}

/// A client of server-sent events.
struct Events {
    answer: Response,
    text: String,
}

/// One event: the fields that its lines set.
#[derive(Debug, Default, PartialEq)]
struct Event {
    id: Option<String>,
    name: Option<String>,
    data: Value,
}

impl Events {
    async fn open(app: &App, key: &str, path: &str, last: Option<&str>) -> Self {
        let mut request = app.bare(Method::GET, path).bearer_auth(key);
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut events = Self {
            answer,
            text: String::new(),
        };
        assert_eq!(events.block().await.as_deref(), Some("retry: 1000"));
        events
    }

    /// The next event; comments are passed over. `None` at the end of the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            let mut event = Event::default();
            for line in block.lines() {
                match line.split_once(": ") {
                    Some(("id", id)) => event.id = Some(id.to_owned()),
                    Some(("event", name)) => event.name = Some(name.to_owned()),
                    Some(("data", data)) => event.data = serde_json::from_str(data).unwrap(),
                    _ => assert!(line.starts_with(':'), "{line}"),
                }
            }
            if event != Event::default() {
                return Some(event);
            }
        }
    }

    /// The data of the next event.
    async fn data(&mut self) -> Value {
        self.next().await.expect("the stream goes on").data
    }

    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let patience = std::time::Duration::from_secs(20);
            let chunk = tokio::time::timeout(patience, self.answer.chunk()).await;
            let chunk = chunk.expect("something comes in time").unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

/// The number of rows in an answer that is too long to be looked at.
async fn rows(answer: Response) -> usize {
    let mut text = vec![];
    let mut pieces = answer.bytes_stream();
    while let Some(piece) = pieces.next().await {
        text.extend_from_slice(&piece.unwrap());
    }
    let rows: Vec<Value> = serde_json::from_slice(&text).unwrap();
    rows.len()
}
