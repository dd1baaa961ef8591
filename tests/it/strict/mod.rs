//! Requests that carry what nobody looks at are refused; what is wrong is said in plain words, with its place.

mod bodies;
mod filters;
mod headers;
mod socket;
mod tags;
mod words;

use reqwest::Response;
use serde_json::Value;

use crate::api::app::App;

const TO: &str = "+447700900123";

/// Sends this body as JSON.
async fn sent(app: &App, method: &str, path: &str, body: &str) -> Response {
    let request = app.request(method.parse().unwrap(), path);
    let request = request.header("Content-Type", "application/json").body(body.to_owned());
    request.send().await.unwrap()
}

/// The status, the code and the first pointer of a problem.
async fn problem(answer: Response) -> (u16, String, String) {
    let status = answer.status().as_u16();
    let problem: Value = answer.json().await.unwrap_or_default();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (status, word(&problem["code"]), word(&problem["errors"][0]["pointer"]))
}

/// The same, as the tests write it.
fn of(status: u16, code: &str, pointer: &str) -> (u16, String, String) {
    (status, code.to_owned(), pointer.to_owned())
}
