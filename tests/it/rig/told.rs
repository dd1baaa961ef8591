//! What an integrator's program is told, and what the REST API answers.

use serde_json::Value;

use super::desk::Desk;
use super::socket::Socket;

/// The data of the next event of this type for which `wanted` holds.
pub async fn told(socket: &mut Socket, kind: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let event = socket.event(|event| event["t"] == kind && wanted(&event["d"])).await;
    event["d"].clone()
}

/// Asks the REST API.
pub async fn rest(desk: &Desk, method: reqwest::Method, path: &str, body: Value) -> (u16, Value) {
    let answer = reqwest::Client::new()
        .request(method, format!("{}{path}", desk.crm.url))
        .bearer_auth(desk.crm.admin_key())
        .json(&body)
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}
