//! Media in trouble: a kill in the middle of it, expired, broken, too large, for one look only, on demand.

use serde_json::{Value, json};
use testbed::standin::{Attachment, AttachmentKind, Corruption, Draft};

use crate::rig::crm::Settings;
use crate::rig::desk::{Desk, Plan};
use crate::rig::files::{noise, opus, png, sha256};
use crate::rig::media::{assert_held, attachment, exported, get, post, shown, stored, times, upload, vault_objects};
use crate::rig::socket::Socket;
use crate::rig::until;

const NUMBER: &str = "447700900130";
const TO: &str = "+447700900130";

/// Killed in the middle of it, each way: one message, the right bytes, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transfer_killed_midway_completes_once() {
    let mut desk = Desk::ready(Plan::plain()).await;
    let customer = desk.standin.customer("Ada", NUMBER);
    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
    let bytes = noise(30 << 20, 31);
    let stanza = customer.send(Draft::attachment(attachment(
        AttachmentKind::Document,
        "application/x-thing",
        bytes.clone(),
    )));
    socket.event(|event| event["d"]["whatsapp_id"] == stanza.as_str()).await;
    let spool = desk.crm.data_dir().join("media/incoming");
    until("the medium coming in", async || {
        std::fs::read_dir(&spool)
            .ok()?
            .flatten()
            .find(|file| file.metadata().is_ok_and(|file| file.len() > 0))
    })
    .await;
    desk.crm.kill_9();
    desk.crm.serve().await;
    let row = until("the medium", async || {
        let rows = exported(&desk).await;
        rows.into_iter()
            .find(|row| row["whatsapp_id"] == stanza.as_str() && row["media"]["state"] == "stored")
    })
    .await;
    assert_eq!(row["media"]["sha256"], sha256(&bytes));
    assert_held(&desk, &row, &bytes).await;

    desk.crm.until_ready().await;
    let bytes = noise(20 << 20, 32);
    let media = upload(&desk, "order.bin", &bytes).await;
    let (_, message) = post(
        &desk,
        "/api/v1/messages",
        &json!({ "to": TO, "media": { "id": media["id"] } }),
    )
    .await;
    let path = format!("/api/v1/messages/{}", message["id"]);
    until("its stanza id", async || {
        (get(&desk, &path).await["state"] != "queued").then_some(())
    })
    .await;
    desk.crm.kill_9();
    desk.crm.serve().await;
    let sent = until("the message on its way", async || {
        let message = get(&desk, &path).await;
        ["sent", "delivered", "read"]
            .contains(&message["state"].as_str()?)
            .then_some(message)
    })
    .await;
    let shown = shown(&customer, &sent)
        .await
        .attachment
        .expect("the phone could fetch it");
    assert_eq!(sha256(&shown.bytes), sha256(&bytes));
    assert_eq!(times(&desk, &sent), 1);
    assert_eq!(exported(&desk).await.len(), 2);
}

/// The medium has expired, is broken or too large, or may be viewed only once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unusable_medium_is_reported_and_delays_nothing() {
    let plan = Plan {
        settings: Settings {
            top: "media.max_size = \"1MB, image=50kB\"\n".into(),
            ..Settings::default()
        },
        ..Plan::plain()
    };
    let desk = Desk::ready(plan).await;
    let customer = desk.standin.customer("Ada", NUMBER);
    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
    let document = |seed| attachment(AttachmentKind::Document, "application/x-thing", noise(20_000, seed));
    desk.standin.page_online(false);
    let expired = customer.send(Draft::attachment(document(41)));
    desk.standin.expire_media(&expired);
    let again = customer.send(Draft::attachment(document(42)));
    desk.standin.expire_media_until_asked(&again);
    let broken = [Corruption::WrongHash, Corruption::Truncated, Corruption::Empty].map(|how| {
        let stanza = customer.send(Draft::attachment(document(43)));
        desk.standin.corrupt_media(&stanza, how);
        stanza
    });
    let large = customer.send(Draft::attachment(attachment(
        AttachmentKind::Image,
        "image/jpeg",
        noise(60_000, 44),
    )));
    let once = customer.send(Draft::attachment(Attachment {
        view_once: true,
        caption: Some("for your eyes".into()),
        ..attachment(AttachmentKind::Image, "image/png", png())
    }));
    let good = customer.send(Draft::attachment(document(45)));
    desk.standin.page_online(true);

    assert_eq!(
        stored(&mut socket, &good).await["media"]["sha256"],
        sha256(&document(45).bytes)
    );
    let until_is = async |stanza: &str, state: &str| {
        until(&format!("{stanza} {state}"), async || {
            let rows = exported(&desk).await;
            rows.into_iter()
                .find(|row| row["whatsapp_id"] == stanza && row["media"]["state"] == state)
        })
        .await
    };
    until_is(&again, "stored").await;
    for stanza in &broken {
        let row = until_is(stanza, "broken").await;
        assert!(
            row["media"]["detail"].is_string() && row["media"]["sha256"].is_null(),
            "{row}"
        );
    }
    let row = until_is(&large, "refused").await;
    assert!(row["media"]["detail"].as_str().unwrap().contains("50.0 kB"), "{row}");
    let gone = until_is(&expired, "expired").await;
    let rows = exported(&desk).await;
    let row = rows.iter().find(|row| row["whatsapp_id"] == once.as_str()).unwrap();
    assert_eq!(
        (&row["content"], &row["media"]),
        (&json!("[view-once image]"), &Value::Null)
    );
    assert_eq!(row["details"]["view_once"], true);

    // What the phone has again can be asked for.
    desk.standin.restore_media(&expired);
    let id = gone["media"]["id"].to_string();
    desk.crm.json(&["media", "fetch", &id, "-o", "json"]).await;
    let row = until_is(&expired, "stored").await;
    assert_eq!(row["media"]["sha256"], sha256(&document(41).bytes));
    assert_eq!(vault_objects(&desk), 3, "nothing is held but what is whole");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_demand_media_is_fetched_when_asked() {
    let plan = Plan {
        settings: Settings {
            top: "media.fetch = \"demand\"\n".into(),
            ..Settings::default()
        },
        ..Plan::plain()
    };
    let desk = Desk::ready(plan).await;
    let customer = desk.standin.customer("Ada", NUMBER);
    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
    let bytes = opus(5_000, 51);
    let stanza = customer.send(Draft::attachment(attachment(
        AttachmentKind::Voice,
        "audio/ogg",
        bytes.clone(),
    )));
    let event = socket.event(|event| event["d"]["whatsapp_id"] == stanza.as_str()).await;
    let media = event["d"]["media"].clone();
    assert_eq!(media["state"], "pending");
    let path = media["url"].as_str().unwrap().to_owned();
    let refused = get(&desk, &path).await;
    assert_eq!(refused["code"], "conflict", "{refused}");
    assert_eq!(post(&desk, &format!("{path}/fetch"), &json!({})).await.0, 202);
    let message = stored(&mut socket, &stanza).await;
    assert_eq!(message["media"]["sha256"], sha256(&bytes));
}

/// In a group the page finds another's older message only by its full key, with the sender.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn older_group_medium_is_fetched_after_reload() {
    let plan = Plan {
        settings: Settings {
            top: "media.fetch = \"demand\"\n".into(),
            ..Settings::default()
        },
        ..Plan::plain()
    };
    let desk = Desk::ready(plan).await;
    let [ada, bob] =
        [("Ada", "447700900131"), ("Bob", "447700900132")].map(|(name, number)| desk.standin.customer(name, number));
    let group = desk.standin.group("Bakers", &[&ada, &bob]);
    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
    let bytes = noise(40_000, 77);
    let picture = attachment(AttachmentKind::Document, "application/x-thing", bytes.clone());
    let stanza = group.send(&bob, Draft::attachment(picture));
    let event = socket.event(|event| event["d"]["whatsapp_id"] == stanza.as_str()).await;
    let path = event["d"]["media"]["url"].as_str().unwrap().to_owned();
    for number in 0..40 {
        group.write(&ada, &format!("later {number}"));
    }
    socket.event(|event| event["d"]["content"] == "later 39").await;
    desk.standin.reload_pages();
    desk.crm.until_ready().await;
    assert_eq!(post(&desk, &format!("{path}/fetch"), &json!({})).await.0, 202);
    let message = stored(&mut socket, &stanza).await;
    assert_eq!(message["media"]["sha256"], sha256(&bytes));
}
