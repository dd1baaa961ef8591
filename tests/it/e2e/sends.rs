//! Sends from the shell, by WebSocket and by REST reach the phone once each, whatever is off meanwhile.

use serde_json::{Value, json};

use crate::rig::customers::{phone_shows, times_accepted};
use crate::rig::desk::{Desk, Plan};
use crate::rig::socket::Socket;

const NUMBER: &str = "447700900130";
const TO: &str = "+447700900130";

/// Rules 25 and 27. The same key sends nothing more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn send_by_each_interface_reaches_phone_once() {
    let desk = Desk::ready(Plan::plain()).await;
    let customer = desk.standin.customer("Ada", NUMBER);
    customer.play(testbed::standin::Script {
        read_after_ms: Some(50),
        ..testbed::standin::Script::default()
    });

    let sent = desk
        .crm
        .json(&["send", TO, "from the shell", "--wait", "read", "-o", "json"])
        .await;
    assert_eq!(sent["state"], "read");
    let stanza = phone_shows(&customer, "from the shell").await;
    assert_eq!(sent["whatsapp_id"], stanza.as_str());

    for _ in 0..2 {
        let sent = desk
            .crm
            .json(&["send", TO, "with a key", "--idempotency-key", "order-7", "-o", "json"])
            .await;
        assert!(sent["id"].is_i64());
    }
    let rest = rest(&desk, "by REST", "rest-1").await;
    assert_eq!(rest.0, 202);
    let again = self::rest(&desk, "by REST", "rest-1").await;
    assert_eq!((again.0, &again.1["id"]), (202, &rest.1["id"]));
    assert_eq!(self::rest(&desk, "another text", "rest-1").await.0, 422);

    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
    for _ in 0..2 {
        let reply = socket
            .send(json!({"to": TO, "content": "by socket", "idempotency_key": "ws-1"}))
            .await;
        assert_eq!(reply["status"], 202, "{reply}");
    }
    for text in ["from the shell", "with a key", "by REST", "by socket"] {
        phone_shows(&customer, text).await;
        assert_eq!(times_accepted(&desk.standin, text), 1, "{text}");
    }
    assert_eq!(times_accepted(&desk.standin, "another text"), 0);
}

/// Rule 6. The phone or the page is off, and the command that waits for the message times out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn send_while_offline_goes_out_once_later() {
    let desk = Desk::ready(Plan::plain()).await;
    let customer = desk.standin.customer("Ada", NUMBER);

    customer.set_online(false);
    let late = desk
        .crm
        .run(&["send", TO, "phone off", "--wait", "delivered", "--timeout", "2s"])
        .await;
    assert_eq!(
        late.status.code(),
        Some(124),
        "{}",
        String::from_utf8_lossy(&late.stderr)
    );
    customer.set_online(true);
    phone_shows(&customer, "phone off").await;

    desk.standin.page_online(false);
    let late = desk
        .crm
        .run(&["send", TO, "page off", "--wait", "sent", "--timeout", "2s"])
        .await;
    assert_eq!(
        late.status.code(),
        Some(124),
        "{}",
        String::from_utf8_lossy(&late.stderr)
    );
    assert_eq!(times_accepted(&desk.standin, "page off"), 0);
    desk.standin.page_online(true);
    phone_shows(&customer, "page off").await;
    for text in ["phone off", "page off"] {
        assert_eq!(times_accepted(&desk.standin, text), 1, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absent_number_and_bad_text_are_refused() {
    let desk = Desk::ready(Plan::plain()).await;
    let absent = desk.crm.run(&["send", "+447700900199", "hello"]).await;
    assert_eq!(
        absent.status.code(),
        Some(3),
        "{}",
        String::from_utf8_lossy(&absent.stderr)
    );
    assert!(String::from_utf8_lossy(&absent.stderr).contains("not on WhatsApp"));
    let (status, problem) = rest(&desk, "", "empty").await;
    assert_eq!((status, &problem["code"]), (422, &json!("empty_text")), "{problem}");
    let (status, problem) = rest(&desk, &"x".repeat(70_000), "long").await;
    assert_eq!((status, &problem["code"]), (422, &json!("text_too_long")), "{problem}");
    assert!(desk.standin.accepted().is_empty());
}

async fn rest(desk: &Desk, content: &str, key: &str) -> (u16, Value) {
    let answer = reqwest::Client::new()
        .post(format!("{}/api/v1/messages", desk.crm.url))
        .bearer_auth(desk.crm.admin_key())
        .header("Idempotency-Key", key)
        .json(&json!({"to": TO, "content": content}))
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}
