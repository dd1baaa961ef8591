//! What WhatsApp itself tells in a chat, and what is told only once: a new number, a timer, a call, who joined, what may be
//! looked at once, who is called by name. On the WebSocket, in the database, in the export and on the phone.

use reqwest::Method;
use serde_json::{Value, json};
use testbed::standin::{Attachment, AttachmentKind, Draft, NewCustomer};

use crate::rig::customers::{phone_shows, times_accepted};
use crate::rig::files::{mp4, noise, sha256};
use crate::rig::media::{attachment, exported, vault_objects};
use crate::rig::talk::Talk;
use crate::rig::told::{rest, told};
use crate::rig::until;

const NUMBER: &str = "447700900160";
const TO: &str = "+447700900160";
const NEW_NUMBER: &str = "447700900161";
const NEW_TO: &str = "+447700900161";

impl Talk {
    /// The notice of this sort that WhatsApp shows in the chat; the export has it as it was told.
    async fn notice(&mut self, sort: &str) -> Value {
        let is_it = |data: &Value| data["kind"] == "system" && data["details"]["notice"] == sort;
        let notice = told(&mut self.socket, "message.received", is_it).await;
        let row = self.exported(&notice["id"]).await;
        assert_eq!(
            (&row["content"], &row["details"]),
            (&notice["content"], &notice["details"])
        );
        notice
    }

    /// What nobody reads any more is found by nobody either: in no file of the database.
    fn is_in_the_database(&self, text: &[u8]) -> bool {
        let files = std::fs::read_dir(self.desk.crm.data_dir()).unwrap().flatten();
        let of_the_database = files.filter(|file| file.file_name().to_string_lossy().starts_with("crm.db"));
        let mut contents = of_the_database.map(|file| std::fs::read(file.path()).unwrap());
        contents.any(|bytes| bytes.windows(text.len()).any(|window| window == text))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_number_keeps_conversation() {
    let mut rig = Talk::with(NUMBER).await;
    let before = rig.hears(Draft::text("from the old number")).await;
    rig.customer.change_number(NEW_NUMBER);
    let notice = rig.notice("number_changed").await;
    assert_eq!(notice["conversation_id"], before["conversation_id"]);
    let after = rig.hears(Draft::text("from the new one")).await;
    assert_eq!(
        (&after["conversation_id"], &after["customer_id"]),
        (&before["conversation_id"], &before["customer_id"])
    );

    let id = before["customer_id"].to_string();
    let customer = rig.desk.crm.json(&["customer", "view", &id, "-o", "json"]).await;
    assert_eq!(customer["phone"], NEW_TO, "{customer}");
    let identities: Vec<&Value> = customer["identities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["value"])
        .collect();
    assert_eq!(identities, [TO, NEW_TO]);
    let sent = rig
        .desk
        .crm
        .json(&["send", NEW_TO, "noted", "--wait", "delivered", "-o", "json"])
        .await;
    phone_shows(&rig.customer, "noted").await;
    assert_eq!(times_accepted(&rig.desk.standin, "noted"), 1);
    assert_eq!(
        rig.exported(&sent["id"]).await["conversation_id"],
        before["conversation_id"]
    );

    // Whoever is known by LID as well has given the old number up.
    let bob = NewCustomer::by_lid("Bob", "447700900164", "88000164");
    rig.customer = rig.desk.standin.add_customer(bob);
    let before = rig.hears(Draft::text("Bob, from the old number")).await;
    rig.customer.change_number("447700900165");
    rig.notice("number_changed").await;
    let id = before["customer_id"].to_string();
    let customer = rig.desk.crm.json(&["customer", "view", &id, "-o", "json"]).await;
    assert_eq!(customer["phone"], "+447700900165");
    let old = customer["identities"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["value"] == "+447700900164");
    assert_eq!(old.unwrap()["current"], false, "{customer}");
    let after = rig.hears(Draft::text("Bob, from the new one")).await;
    assert_eq!(after["conversation_id"], before["conversation_id"]);
    let customers = rig.desk.crm.lines(&["export", "customers", "--format", "ndjson"]).await;
    assert_eq!(customers.len(), 2, "{customers:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disappearing_timer_applies_both_ways() {
    let mut rig = Talk::with(NUMBER).await;
    let stays = rig.hears(Draft::text("this stays")).await;
    rig.customer.set_disappearing(3);
    rig.notice("timer_changed").await;

    let theirs = rig.hears(Draft::text("whispered by Ada")).await;
    assert_eq!(theirs["details"]["expires_after_s"], 3);
    let ours = json!({ "to": TO, "content": "whispered by us" });
    let (status, ours) = rest(&rig.desk, Method::POST, "/api/v1/messages", ours).await;
    assert_eq!(status, 202, "{ours}");
    phone_shows(&rig.customer, "whispered by us").await;
    let on_phone = rig
        .customer
        .inbox()
        .into_iter()
        .find(|one| one.text == "whispered by us")
        .unwrap();
    assert_eq!(on_phone.details["ephemeralDuration"], 3);
    for id in [&theirs["id"], &ours["id"]] {
        let gone = told(&mut rig.socket, "message.deleted", |data| data["id"] == *id).await;
        assert_eq!(
            (&gone["content"], &gone["details"]["disappeared"]),
            (&json!(""), &json!(true))
        );
        assert_eq!(rig.exported(id).await["content"], "");
    }

    rig.customer.set_disappearing(0);
    rig.notice("timer_changed").await;
    let after = rig.hears(Draft::text("this stays as well")).await;
    assert!(after["details"].is_null(), "{after}");
    for kept in [&stays, &after] {
        assert_eq!(rig.exported(&kept["id"]).await["content"], kept["content"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn view_once_leaves_notice_and_no_bytes() {
    let mut rig = Talk::with(NUMBER).await;
    let once = |kind, mimetype, bytes: Vec<u8>| Attachment {
        view_once: true,
        caption: Some("under four eyes".into()),
        ..attachment(kind, mimetype, bytes)
    };
    let hidden = [
        (
            once(AttachmentKind::Image, "image/jpeg", noise(20_000, 61)),
            "image",
            "[view-once image]",
        ),
        (
            once(AttachmentKind::Video, "video/mp4", mp4(20_000, 62)),
            "video",
            "[view-once video]",
        ),
        (
            once(AttachmentKind::Voice, "audio/ogg", noise(20_000, 63)),
            "voice",
            "[view-once voice note]",
        ),
    ];
    for (attachment, kind, line) in &hidden {
        let told = rig.hears(Draft::attachment(attachment.clone())).await;
        assert_eq!((&told["kind"], &told["content"]), (&json!(kind), &json!(line)));
        assert_eq!(
            (&told["details"]["view_once"], &told["media"]),
            (&json!(true), &Value::Null)
        );
        let row = rig.exported(&told["id"]).await;
        assert_eq!((&row["content"], &row["media"]), (&json!(line), &Value::Null));
    }
    // An ordinary one that comes after them is fetched: nobody is still about to fetch those before it.
    let open = attachment(AttachmentKind::Image, "image/jpeg", noise(20_000, 64));
    let stanza = rig.customer.send(Draft::attachment(open));
    let is_it = |data: &Value| data["whatsapp_id"] == stanza.as_str() && data["media"]["state"] == "stored";
    told(&mut rig.socket, "message.media", is_it).await;
    rig.desk.standin.reload_pages();
    rig.hears(Draft::text("and after a reload")).await;
    assert_eq!(vault_objects(&rig.desk), 1);
    assert!(!rig.is_in_the_database(b"under four eyes"));
    for (attachment, ..) in &hidden {
        assert!(!rig.is_in_the_database(sha256(&attachment.bytes).as_bytes()));
    }
    assert!(
        rig.is_in_the_database(b"and after a reload"),
        "it would be found if it were there"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missed_call_is_unread_group_notice_is_not() {
    let mut rig = Talk::with(NUMBER).await;
    for (video, line) in [(false, "Missed call"), (true, "Missed video call")] {
        rig.customer.send(Draft::missed_call(video));
        let call = rig.notice("call_missed").await;
        assert_eq!(call["content"], line);
    }
    let eve = rig.desk.standin.customer("Eve", "447700900162");
    let group = rig.desk.standin.group("Bakers", &[&rig.customer]);
    group.write(&rig.customer, "come in");
    let written = told(&mut rig.socket, "message.received", |data| data["content"] == "come in").await;
    group.join(&eve);
    let joined = rig.notice("member_joined").await;
    assert_eq!(
        (&joined["conversation_id"], &joined["content"]),
        (&written["conversation_id"], &json!("Eve joined"))
    );
    group.leave(&eve);
    let left = rig.notice("member_left").await;
    assert_eq!(left["content"], "Eve left");
    until("two calls and one message to be unread", async || {
        let listed = rig.desk.crm.lines(&["conversation", "list", "-o", "ndjson"]).await;
        let unread = |kind: &str| listed.iter().find(|row| row["kind"] == kind)?["unread_count"].as_i64();
        ((unread("direct"), unread("group")) == (Some(2), Some(1))).then_some(())
    })
    .await;
}

/// Calls are in a list of their own, and after a start only a chat's last message is in the page's memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missed_call_during_absence_is_found() {
    let mut rig = Talk::with(NUMBER).await;
    rig.hears(Draft::text("before")).await;
    // The page stores them and tells of nothing.
    rig.desk.standin.freeze_listener("add");
    for video in [false, true] {
        rig.customer.send(Draft::missed_call(video));
    }
    rig.customer.write("you did not answer");
    let device = rig.desk.standin.phone().devices()[0];
    rig.desk.standin.settled(device).await;
    rig.desk.crm.kill_9();
    rig.desk.crm.serve().await;
    rig.desk.crm.until_ready().await;
    until("both calls to be stored once", async || {
        let rows = exported(&rig.desk).await;
        let calls = rows.iter().filter(|row| row["details"]["notice"] == "call_missed");
        (calls.count() == 2).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn group_mention_is_named_both_ways() {
    let mut rig = Talk::with(NUMBER).await;
    let bob = rig.desk.standin.customer("Bob", "447700900163");
    let group = rig.desk.standin.group("Bakers", &[&rig.customer, &bob]);
    let user = group.address_of(&bob).user().to_owned();
    let text = format!("does @{user} bake?");
    group.send(
        &rig.customer,
        Draft {
            mentions: vec![group.address_of(&bob)],
            ..Draft::text(&text)
        },
    );
    let asked = told(&mut rig.socket, "message.received", |data| {
        data["content"] == text.as_str()
    })
    .await;
    let mentions = json!([{ "user": user, "name": "Bob" }]);
    assert_eq!(asked["details"]["mentions"], mentions);
    assert_eq!(rig.exported(&asked["id"]).await["details"]["mentions"], mentions);

    // We know who is in the group once its members have been told.
    let path = format!("/api/v1/conversations/{}", asked["conversation_id"]);
    until("the members of the group", async || {
        let (_, view) = rest(&rig.desk, Method::GET, &path, Value::Null).await;
        (view["participants"].as_array()?.len() == 3).then_some(())
    })
    .await;
    let answer = format!("@{user} does");
    let reply = rig
        .socket
        .send(json!({ "conversation_id": asked["conversation_id"], "content": answer, "reply_to": asked["id"] }))
        .await;
    assert_eq!(
        (&reply["status"], &reply["d"]["details"]["mentions"]),
        (&json!(202), &mentions)
    );
    for member in [&rig.customer, &bob] {
        let shown = group.received(member, |received| received.text == answer);
        let shown = tokio::time::timeout(crate::rig::PATIENCE, shown)
            .await
            .expect("each phone shows it");
        let called = shown.details["mentionedJidList"].to_string();
        assert!(called.contains(&user), "{called}");
    }
    assert_eq!(rig.exported(&reply["d"]["id"]).await["details"]["mentions"], mentions);
}
