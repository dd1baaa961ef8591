//! What happens to messages after they were written, both ways: edits, deletions, emojis; on the phone, in the database, on the
//! WebSocket, and once each.

use serde_json::{Value, json};
use testbed::standin::Received;

use crate::rig::PATIENCE;
use crate::rig::crm::kill_all;
use crate::rig::customers::phone_shows;
use crate::rig::desk::{Desk, Plan};
use crate::rig::files;
use crate::rig::socket::Socket;
use crate::rig::told::{rest, told};

const NUMBER: &str = "447700900130";
const TO: &str = "+447700900130";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn customer_change_applies_once() {
    let desk = Desk::ready(Plan::plain()).await;
    let customer = desk.standin.customer("Ada", NUMBER);
    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;

    let ours = desk
        .crm
        .json(&["send", TO, "shall we?", "--wait", "delivered", "-o", "json"])
        .await;
    let ours_id = ours["id"].as_i64().unwrap();
    let stanza = customer.write("two loafs");
    let theirs = told(&mut socket, "message.received", |data| data["content"] == "two loafs").await;
    let theirs_id = theirs["id"].as_i64().unwrap();

    customer.edit(&stanza, "two loaves");
    let edited = told(&mut socket, "message.edited", |data| data["id"] == theirs_id).await;
    assert_eq!(edited["content"], "two loaves");
    assert!(edited["edited_at"].is_string(), "{edited}");

    customer.react(ours["whatsapp_id"].as_str().unwrap(), "🎉");
    let reacted = told(&mut socket, "message.reaction", |data| data["id"] == ours_id).await;
    assert_eq!(reacted["reactions"][0]["emoji"], "🎉");
    assert_eq!(reacted["reactions"][0]["from_me"], false);
    customer.react(ours["whatsapp_id"].as_str().unwrap(), "");
    let taken_back = told(&mut socket, "message.reaction", |data| data["id"] == ours_id).await;
    assert_eq!(taken_back["reactions"], json!([]));

    customer.delete(&stanza);
    let deleted = told(&mut socket, "message.deleted", |data| data["id"] == theirs_id).await;
    assert!(deleted["deleted_at"].is_string(), "{deleted}");

    // What the page tells once more, after a new start of everything, is no news.
    customer.write("last");
    told(&mut socket, "message.received", |data| data["content"] == "last").await;
    let before = events(&desk).await;
    desk.standin.reload_pages();
    customer.write("after the reload");
    told(&mut socket, "message.received", |data| {
        data["content"] == "after the reload"
    })
    .await;
    let new: Vec<Value> = events(&desk).await.split_off(before.len());
    let again: Vec<&Value> = new
        .iter()
        .filter(|event| ["message.edited", "message.deleted", "message.reaction"].contains(&kind(event)))
        .collect();
    assert!(again.is_empty(), "told again: {again:?}");
    let exported = desk.crm.lines(&["export", "messages", "--format", "ndjson"]).await;
    let row = exported.iter().find(|row| row["id"] == theirs_id).unwrap();
    assert_eq!(
        (&row["content"], &row["deleted_at"]),
        (&json!("two loaves"), &deleted["deleted_at"])
    );
}

/// A change that was made while nobody heard the page is found when it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn change_during_browser_death_is_found() {
    let desk = Desk::ready(Plan::plain()).await;
    let customer = desk.standin.customer("Ada", NUMBER);
    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
    let [edited, deleted, reacted] = ["one", "two", "three"].map(|text| customer.write(text));
    told(&mut socket, "message.received", |data| data["content"] == "three").await;
    let ours = desk
        .crm
        .json(&["send", TO, "four", "--wait", "delivered", "-o", "json"])
        .await;

    // Nothing new comes with it that would make the chat look as if something were missing.
    assert!(kill_all(&desk.crm.browsers()) > 0);
    customer.edit(&edited, "one, more or less");
    customer.react(ours["whatsapp_id"].as_str().unwrap(), "🎉");
    told(&mut socket, "message.edited", |data| {
        data["content"] == "one, more or less"
    })
    .await;
    told(&mut socket, "message.reaction", |data| data["id"] == ours["id"]).await;
    assert!(kill_all(&desk.crm.browsers()) > 0);
    customer.react(ours["whatsapp_id"].as_str().unwrap(), "");
    let bare = told(&mut socket, "message.reaction", |data| data["id"] == ours["id"]).await;
    assert_eq!(bare["reactions"], json!([]), "what was taken back is gone");

    assert!(kill_all(&desk.crm.browsers()) > 0);
    customer.edit(&edited, "one, corrected");
    customer.delete(&deleted);
    customer.react(ours["whatsapp_id"].as_str().unwrap(), "👍");
    customer.write("five");
    told(&mut socket, "message.received", |data| data["content"] == "five").await;
    let rows = desk.crm.lines(&["export", "messages", "--format", "ndjson"]).await;
    let row = |stanza: &str| rows.iter().find(|row| row["whatsapp_id"] == stanza).unwrap();
    assert_eq!(row(&edited)["content"], "one, corrected");
    assert!(row(&deleted)["deleted_at"].is_string());
    assert_eq!(row(&reacted)["content"], "three");
    assert_eq!(
        row(ours["whatsapp_id"].as_str().unwrap())["reactions"][0]["emoji"],
        "👍"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn change_by_each_interface_reaches_phone() {
    let desk = Desk::ready(Plan::plain()).await;
    let customer = desk.standin.customer("Ada", NUMBER);
    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
    let stanza = customer.write("is it open?");
    let theirs = told(&mut socket, "message.received", |data| data["content"] == "is it open?").await;
    let mut ids = vec![];
    for text in ["by shell", "by REST", "by socket"] {
        let sent = desk
            .crm
            .json(&["send", TO, text, "--wait", "delivered", "-o", "json"])
            .await;
        phone_shows(&customer, text).await;
        ids.push(sent["id"].as_i64().unwrap());
    }

    // Edited.
    desk.crm
        .json(&["message", "edit", &ids[0].to_string(), "by shell!", "-o", "json"])
        .await;
    let path = format!("/api/v1/messages/{}", ids[1]);
    assert_eq!(
        rest(&desk, reqwest::Method::PATCH, &path, json!({"content": "by REST!"}))
            .await
            .0,
        202
    );
    let reply = socket
        .command("edit", json!({"message_id": ids[2], "content": "by socket!"}))
        .await;
    assert_eq!(reply["status"], 202, "{reply}");
    for text in ["by shell!", "by REST!", "by socket!"] {
        phone_with(&desk, &customer, |received| received.text == text && received.edited).await;
        told(&mut socket, "message.edited", |data| data["content"] == text).await;
    }

    // An emoji, another in its place, and none.
    let path = format!("/api/v1/messages/{}/reaction", theirs["id"]);
    for emoji in ["👍", "🙏"] {
        assert_eq!(
            rest(&desk, reqwest::Method::PUT, &path, json!({"emoji": emoji}))
                .await
                .0,
            202
        );
        // Told again when WhatsApp says at what time it took the one before.
        let is_it = |data: &Value| data["id"] == theirs["id"] && data["reactions"][0]["emoji"] == emoji;
        let reacted = told(&mut socket, "message.reaction", is_it).await;
        assert_eq!(reacted["reactions"].as_array().unwrap().len(), 1);
        assert_eq!(emojis(&desk, &customer, &stanza), [emoji]);
    }
    assert_eq!(rest(&desk, reqwest::Method::DELETE, &path, json!({})).await.0, 202);
    told(&mut socket, "message.reaction", |data| data["reactions"] == json!([])).await;
    assert!(emojis(&desk, &customer, &stanza).is_empty());

    // Deleted.
    desk.crm
        .json(&["message", "delete", &ids[0].to_string(), "-o", "json"])
        .await;
    told(&mut socket, "message.deleted", |data| data["id"] == ids[0]).await;
    phone_with(&desk, &customer, |received| {
        received.text == "by shell!" && received.revoked
    })
    .await;

    // Refused, with why.
    let path = format!("/api/v1/messages/{}", ids[0]);
    let (status, problem) = rest(&desk, reqwest::Method::PATCH, &path, json!({"content": "again"})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("conflict")), "{problem}");
    let path = format!("/api/v1/messages/{}", theirs["id"]);
    let (status, _) = rest(&desk, reqwest::Method::DELETE, &path, json!({})).await;
    assert_eq!(status, 409, "what the customer wrote is not ours to delete");
    let path = format!("/api/v1/messages/{}/reaction", theirs["id"]);
    let (status, problem) = rest(&desk, reqwest::Method::PUT, &path, json!({"emoji": "no emoji"})).await;
    assert_eq!(
        (status, &problem["errors"][0]["pointer"]),
        (422, &json!("/emoji")),
        "{problem}"
    );
}

/// A picture, a film and a document; from the shell, by REST and on the WebSocket.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edited_caption_reaches_phone() {
    let desk = Desk::ready(Plan::plain()).await;
    let customer = desk.standin.customer("Ada", NUMBER);
    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
    let folder = tempfile::tempdir().unwrap();
    let mut ids = vec![];
    for (name, bytes) in [
        ("cake.png", files::png()),
        ("film.mp4", files::mp4(4_000, 3)),
        ("prices.csv", b"a;b".to_vec()),
    ] {
        let path = files::write(folder.path(), name, &bytes);
        let path = path.to_string_lossy().into_owned();
        let sent = desk
            .crm
            .json(&["send", TO, "lok", "--file", &path, "--wait", "delivered", "-o", "json"])
            .await;
        ids.push(sent["id"].as_i64().unwrap());
    }
    desk.crm
        .json(&["message", "edit", &ids[0].to_string(), "look, by shell", "-o", "json"])
        .await;
    let path = format!("/api/v1/messages/{}", ids[1]);
    let edit = json!({"content": "look, by REST"});
    assert_eq!(rest(&desk, reqwest::Method::PATCH, &path, edit).await.0, 202);
    let reply = socket
        .command("edit", json!({"message_id": ids[2], "content": "look, by socket"}))
        .await;
    assert_eq!(reply["status"], 202, "{reply}");
    for text in ["look, by shell", "look, by REST", "look, by socket"] {
        phone_with(&desk, &customer, |received| received.text == text && received.edited).await;
        told(&mut socket, "message.edited", |data| data["content"] == text).await;
    }
    assert!(customer.inbox().iter().all(|received| received.attachment.is_some()));
}

fn kind(event: &Value) -> &str {
    event["type"].as_str().unwrap()
}

async fn events(desk: &Desk) -> Vec<Value> {
    desk.crm
        .lines(&["tail", "--since", "0", "--idle", "1s", "-o", "ndjson"])
        .await
}

async fn phone_with(desk: &Desk, customer: &testbed::standin::Customer, wanted: impl Fn(&Received) -> bool) {
    let shown = tokio::time::timeout(PATIENCE, customer.received(wanted)).await;
    assert!(
        shown.is_ok(),
        "the phone shows {:?}; the server says:\n{}",
        customer.inbox(),
        desk.crm.log()
    );
}

/// The emojis of ours under a customer's message, as our own phone shows them.
fn emojis(desk: &Desk, customer: &testbed::standin::Customer, stanza: &str) -> Vec<String> {
    let chat = desk.standin.phone().chat(customer.id());
    let message = chat.iter().find(|message| message.id == stanza).unwrap();
    message
        .reactions
        .values()
        .map(|reaction| reaction.text.clone())
        .collect()
}
