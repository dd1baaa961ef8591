//! Media as a desk holds them: in the vault, by REST and in the shell.

use serde_json::Value;
use testbed::standin::{Attachment, AttachmentKind, Customer, Received};

use super::PATIENCE;
use super::desk::Desk;
use super::files::sha256;
use super::socket::Socket;

pub fn attachment(kind: AttachmentKind, mimetype: &str, bytes: Vec<u8>) -> Attachment {
    Attachment::new(kind, mimetype, bytes)
}

/// The message of this stanza id, once its medium is here.
pub async fn stored(socket: &mut Socket, stanza: &str) -> Value {
    let event = socket
        .event(|event| {
            let data = &event["d"];
            event["t"] == "message.media" && data["whatsapp_id"] == stanza && data["media"]["state"] == "stored"
        })
        .await;
    event["d"].clone()
}

/// The vault, REST and the shell have a message's medium byte for byte.
pub async fn assert_held(desk: &Desk, message: &Value, bytes: &[u8]) {
    let hash = sha256(bytes);
    let object = desk.crm.data_dir().join("media").join(&hash[..2]).join(&hash);
    assert!(std::fs::read(object).unwrap() == bytes, "in the vault");
    let url = format!("{}{}", desk.crm.url, message["media"]["url"].as_str().unwrap());
    let answer = reqwest::Client::new()
        .get(url)
        .bearer_auth(desk.crm.admin_key())
        .send()
        .await
        .unwrap();
    assert!(answer.bytes().await.unwrap() == bytes, "by REST");
    let id = message["media"]["id"].to_string();
    let got = desk.crm.run(&["media", "get", &id, "--out", "-"]).await;
    assert!(
        got.stdout == bytes,
        "in the shell: {}",
        String::from_utf8_lossy(&got.stderr)
    );
}

/// What the phone shows of a message of ours.
pub async fn shown(customer: &Customer, sent: &Value) -> Received {
    let stanza = sent["whatsapp_id"].as_str().expect("a message with its id").to_owned();
    let shown = customer.received(|received| received.stanza_id == stanza);
    tokio::time::timeout(PATIENCE, shown).await.expect("the phone shows it")
}

/// How often the service took a message, before the phone removed doubles.
pub fn times(desk: &Desk, sent: &Value) -> usize {
    let accepted = desk.standin.accepted().into_iter();
    accepted
        .filter(|accepted| sent["whatsapp_id"] == accepted.stanza_id.as_str())
        .count()
}

pub fn vault_objects(desk: &Desk) -> usize {
    let media = desk.crm.data_dir().join("media");
    let shelves = std::fs::read_dir(media).unwrap().flatten();
    let shelves = shelves.filter(|shelf| shelf.file_name().len() == 2);
    shelves
        .map(|shelf| std::fs::read_dir(shelf.path()).unwrap().count())
        .sum()
}

pub async fn exported(desk: &Desk) -> Vec<Value> {
    desk.crm.lines(&["export", "messages", "--format", "ndjson"]).await
}

pub async fn upload(desk: &Desk, name: &str, bytes: &[u8]) -> Value {
    let answer = reqwest::Client::new()
        .post(format!("{}/api/v1/media?filename={name}", desk.crm.url))
        .bearer_auth(desk.crm.admin_key())
        .body(bytes.to_vec())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 201);
    answer.json().await.unwrap()
}

pub async fn post(desk: &Desk, path: &str, body: &Value) -> (u16, Value) {
    let request = reqwest::Client::new()
        .post(format!("{}{path}", desk.crm.url))
        .json(body);
    let answer = request.bearer_auth(desk.crm.admin_key()).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

pub async fn get(desk: &Desk, path: &str) -> Value {
    let request = reqwest::Client::new().get(format!("{}{path}", desk.crm.url));
    let answer = request.bearer_auth(desk.crm.admin_key()).send().await.unwrap();
    answer.json().await.unwrap()
}
