//! The desk by REST: assignment, status, labels, attributes, notes, messages for later, the guard.

mod agents;
mod attributes;
mod bound_keys;
mod customers;
mod ended_keys;
mod exports;
mod guard;
mod hidden;
mod history;
mod keys;
mod labels;
mod later;
mod limits;
mod notes;
mod openapi;
mod rights;
mod sends;
mod template_bounds;
mod template_cases;
mod template_uses;
mod templates;
mod visibility;
mod work;

use crm::domain::agent::AgentSource;
use crm::domain::{AgentId, MatrixUserId};
use futures_util::FutureExt;
use reqwest::{Method, Response};
use serde_json::Value;

use crate::api::app::App;

/// Adds an agent.
async fn agent(app: &App, name: &str) -> AgentId {
    let user = MatrixUserId(format!("@{name}:example.org"));
    app.store
        .write((user, name.to_owned()), |tx, (user, name)| {
            async move { tx.agents().add(user, name, AgentSource::Person).await }.boxed()
        })
        .await
        .unwrap()
}

/// A conversation in which the customer has written; its path.
async fn conversation(app: &App) -> String {
    let message = app.inbound("Ada", "+447700900123", "Good morning").await;
    format!("/api/v1/conversations/{}", message.conversation_id)
}

async fn posted(app: &App, path: &str, body: &Value) -> Value {
    let answer = app.post(path, body).await;
    assert!(
        answer.status().is_success(),
        "{path} {body}: {}",
        answer.text().await.unwrap()
    );
    answer.json().await.unwrap()
}

async fn refused(answer: Response) -> (u16, String, Value) {
    let status = answer.status().as_u16();
    let problem: Value = answer.json().await.unwrap();
    (status, problem["code"].as_str().unwrap_or_default().to_owned(), problem)
}

/// The types of the events of a conversation, in order.
async fn told(app: &App, prefix: &str) -> Vec<String> {
    let events = app.store.journal().after(crm::domain::Seq(0), 1000).await.unwrap();
    let kinds = events.into_iter().map(|event| event.kind.to_string());
    kinds.filter(|kind| kind.starts_with(prefix)).collect()
}

async fn with_tag(app: &App, path: &str, body: &Value, tag: &str) -> Response {
    let request = app.request(Method::POST, path).header("If-Match", tag);
    request.json(body).send().await.unwrap()
}
