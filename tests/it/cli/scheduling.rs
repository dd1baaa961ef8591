//! Times that people type, and sends that end before their message has gone out.

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::rig::{Ended, PATIENCE, Shell};
use crate::api::app::App;
use crate::rig::until;

const TO: &str = "+447700900123";
/// Nine in the morning where this account is.
const NINE_IN_TOKYO: &str = "T00:00:00.000Z";

/// A shell whose configuration has a time zone for the account, and another for the rest.
fn zoned(app: &App) -> Shell {
    let shell = Shell::of(app);
    let text = "[whatsapp]\ntime_zone = 'America/New_York'\n[account.default]\ntime_zone = 'Asia/Tokyo'\n";
    std::fs::write(shell.folder.path().join("crm.toml"), text).unwrap();
    shell
}

/// Nobody has to type the account for its zone to count.
#[tokio::test]
async fn typed_time_is_in_zone_of_conversations_account() {
    let app = App::start().await;
    let message = app.inbound("Ada", TO, "hello").await.id.to_string();
    let shell = zoned(&app);
    let nine = ["--at", "tomorrow 9:00"];
    for to in [TO, "Ada", "customer:1", "conversation:1"] {
        let sent = shell.ok(&[&["send", to, "hi", "-o", "json"], &nine[..]].concat()).await;
        let at = told_time(&app, &sent.json()["id"]).await;
        assert!(at.ends_with(NINE_IN_TOKYO), "send {to}: {at}: {sent:?}");
        assert!(sent.err.contains("Asia/Tokyo"), "{sent:?}");
    }
    shell.ok(&["message", "edit", "2", "--at", "tomorrow 10:00"]).await;
    let at = told_time(&app, &json!(2)).await;
    assert!(at.ends_with("T01:00:00.000Z"), "edit: {at}");
    for to in ["conversation:1", "+447700900124"] {
        let forwarded = shell
            .ok(&[&["message", "forward", &message, to, "-o", "json"], &nine[..]].concat())
            .await;
        let at = told_time(&app, &forwarded.json()["id"]).await;
        assert!(at.ends_with(NINE_IN_TOKYO), "forward to {to}: {at}");
    }
    let snooze = ["conversation", "status", "1", "snoozed", "--until", "tomorrow 9:00"];
    shell.ok(&snooze).await;
    let conversation = app.json("/api/v1/conversations/1").await;
    let until = conversation["snoozed_until"].as_str().unwrap();
    assert!(until.ends_with(NINE_IN_TOKYO), "snooze: {until}");
    app.stop().await;
}

/// When a message for later goes out.
async fn told_time(app: &App, id: &Value) -> String {
    let message = app.json(&format!("/api/v1/messages/{id}")).await;
    message["send_at"]
        .as_str()
        .unwrap_or_else(|| panic!("{message}"))
        .to_owned()
}

/// The zone of the agent as whom the key acts goes before that of the account.
#[tokio::test]
async fn typed_time_is_in_zone_of_agent_first() {
    let app = App::start().await;
    app.inbound("Ada", TO, "hello").await;
    let agent = json!({ "name": "Grace", "time_zone": "Europe/Moscow" });
    assert!(app.post("/api/v1/agents", &agent).await.status().is_success());
    let key = json!({ "name": "grace", "scope": "send", "agent_id": 1 });
    let key: Value = app.post("/api/v1/keys", &key).await.json().await.unwrap();
    let shell = zoned(&app).with("CRM_API_KEY", key["key"].as_str().unwrap());
    let sent = shell
        .ok(&["send", "conversation:1", "hi", "--at", "tomorrow 9:00", "-o", "json"])
        .await;
    let at = told_time(&app, &sent.json()["id"]).await;
    assert!(at.ends_with("T06:00:00.000Z"), "{at}");
    app.stop().await;
}

/// A server that takes connections and answers nothing.
async fn silent() -> (TcpListener, Shell) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let shell = Shell::bare().with("CRM_URL", &url).with("CRM_API_KEY", "crm_x");
    (listener, shell)
}

/// The key that an error tells to send again with.
fn told_key(ended: &Ended) -> &str {
    let (_, rest) = ended
        .err
        .split_once("--idempotency-key ")
        .unwrap_or_else(|| panic!("{ended:?}"));
    rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
        .next()
        .unwrap()
}

#[tokio::test]
async fn timed_out_send_names_its_idempotency_key() {
    let (_listener, shell) = silent().await;
    let ended = shell.run(&["send", TO, "hi", "--timeout", "300ms"]).await;
    assert_eq!(ended.code, Some(124), "{ended:?}");
    assert!(told_key(&ended).len() >= 16, "{ended:?}");
    let ended = shell
        .run(&["send", TO, "hi", "--timeout", "300ms", "--idempotency-key", "order-7"])
        .await;
    assert_eq!((ended.code, told_key(&ended)), (Some(124), "order-7"), "{ended:?}");
    // Before anything is handed over there is nothing to repeat under a key.
    for arguments in [&["send", "Ada", "hi"][..], &["send", TO, "hi", "--at", "18:00"]] {
        let ended = shell.run(&[arguments, &["--timeout", "300ms"]].concat()).await;
        assert_eq!(ended.code, Some(124), "{ended:?}");
        assert!(ended.err.contains("nothing was sent"), "{ended:?}");
    }
    std::fs::write(shell.folder.path().join("note.txt"), "hello").unwrap();
    let ended = shell
        .run(&["send", TO, "--file", "note.txt", "--timeout", "300ms"])
        .await;
    assert_eq!(ended.code, Some(124), "{ended:?}");
    assert!(told_key(&ended).len() >= 16, "{ended:?}");
}

/// The server may have taken it before the connection broke.
#[tokio::test]
async fn send_without_answer_names_its_key() {
    let shell = Shell::bare()
        .with("CRM_URL", "http://127.0.0.1:9")
        .with("CRM_API_KEY", "crm_x");
    for arguments in [&["send", TO, "hi"][..], &["message", "forward", "1", TO]] {
        let ended = shell.run(arguments).await;
        assert_eq!(ended.code, Some(6), "{ended:?}");
        assert!(told_key(&ended).len() >= 16, "{ended:?}");
        assert_eq!(ended.err.lines().count(), 1, "{ended:?}");
    }
}

#[tokio::test]
async fn interrupted_send_says_what_becomes_of_it() {
    let app = App::start().await;
    let shell = Shell::of(&app);
    let sending = shell.command(&["send", TO, "hi", "--wait", "read"]).spawn().unwrap();
    // It follows the events once the server has taken the message.
    until("the follower connects", async || {
        let status = app.json("/api/v1/status").await;
        (status["api"]["websockets"] == 1).then_some(())
    })
    .await;
    let ended = interrupted(sending).await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(
        ended.err.contains("message 1 is queued and goes on by itself") && ended.err.contains("crm message cancel 1"),
        "{ended:?}"
    );
    assert_eq!(ended.err.lines().count(), 1, "{ended:?}");
    let cancelled = app.request(Method::POST, "/api/v1/messages/1/cancel").json(&json!({}));
    assert_eq!(cancelled.send().await.unwrap().status(), 200);
    app.stop().await;
}

/// Nobody knows yet whether the server has it.
#[tokio::test]
async fn send_interrupted_before_answer_names_its_key() {
    let (listener, shell) = silent().await;
    let sending = shell.command(&["send", TO, "hi"]).spawn().unwrap();
    let (mut connection, _) = listener.accept().await.unwrap();
    let mut byte = [0];
    tokio::io::AsyncReadExt::read_exact(&mut connection, &mut byte)
        .await
        .unwrap();
    let ended = interrupted(sending).await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(told_key(&ended).len() >= 16, "{ended:?}");
}

async fn interrupted(child: tokio::process::Child) -> Ended {
    let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
    output.expect("the command ends").unwrap().into()
}
