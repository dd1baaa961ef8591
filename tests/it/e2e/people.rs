//! One person behind a LID and behind a number, over the stand-in: one customer and one conversation; parted, and one again.

use serde_json::{Value, json};
use testbed::standin::NewCustomer;

use crate::rig::customers::{phone_shows, times_accepted};
use crate::rig::desk::{Desk, Plan};
use crate::rig::socket::Socket;

const LID: &str = "88000140";
const NUMBER: &str = "447700900140";
const TO: &str = "+447700900140";
const OTHER: &str = "447700900141";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn customer_can_be_merged_parted_and_remerged() {
    let desk = Desk::ready(Plan::plain()).await;
    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
    let ada = desk.standin.add_customer(NewCustomer::by_lid("Ada", NUMBER, LID));
    ada.write("by lid");
    let first = heard(&mut socket, "by lid").await;

    // By number from our side: WhatsApp answers with the chat that we know.
    let sent = desk
        .crm
        .json(&["send", TO, "to the number", "--wait", "delivered", "-o", "json"])
        .await;
    phone_shows(&ada, "to the number").await;
    ada.write("back");
    let back = heard(&mut socket, "back").await;
    assert_eq!(back["conversation_id"], first["conversation_id"]);
    assert_eq!(
        texts(&desk, &first["conversation_id"]).await,
        ["by lid", "to the number", "back"]
    );
    assert_eq!(times_accepted(&desk.standin, "to the number"), 1);
    assert_eq!(customers(&desk).await, [1], "{sent}");
    let identities = desk.crm.json(&["customer", "view", "1", "-o", "json"]).await["identities"].clone();
    assert!(
        identities
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["value"] == TO && one["current"] == true)
    );

    // Her other phone, of which WhatsApp tells nothing: a person merges the two.
    let other = desk.standin.customer("Ada", OTHER);
    other.write("from the other phone");
    let second = heard(&mut socket, "from the other phone").await;
    let (one, two) = (first["customer_id"].to_string(), second["customer_id"].to_string());
    assert_ne!(one, two);
    let merge = desk.crm.json(&["customer", "merge", &one, &two, "-o", "json"]).await;
    let merged = socket
        .event(|event| event["t"] == "customer.merged" && event["d"]["automatic"] == false)
        .await;
    assert_eq!(merged["d"]["merge_id"], merge["id"]);
    other.write("while one");
    assert_eq!(
        heard(&mut socket, "while one").await["conversation_id"],
        first["conversation_id"]
    );
    let answer = json!({"conversation_id": first["conversation_id"], "content": "to where it came from"});
    socket.send(answer).await;
    phone_shows(&other, "to where it came from").await;

    desk.crm
        .json(&["customer", "unmerge", &merge["id"].to_string(), "-o", "json"])
        .await;
    let hers = ["from the other phone", "while one", "to where it came from"];
    assert_eq!(
        texts(&desk, &first["conversation_id"]).await,
        ["by lid", "to the number", "back"]
    );
    assert_eq!(texts(&desk, &second["conversation_id"]).await, hers);
    other.write("while two");
    assert_eq!(
        heard(&mut socket, "while two").await["customer_id"],
        second["customer_id"]
    );

    desk.crm.json(&["customer", "merge", &one, &two, "-o", "json"]).await;
    let mut all = texts(&desk, &first["conversation_id"]).await;
    all.sort();
    let mut expected = [&["by lid", "to the number", "back", "while two"][..], &hers[..]].concat();
    expected.sort_unstable();
    assert_eq!(all, expected, "nothing is lost, and nothing is there twice");
    assert_eq!(customers(&desk).await.len(), 1);
}

/// As with Brazil's ninth digit: the server answers with its own form, and the answer comes from there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn number_in_other_form_is_one_conversation() {
    let desk = Desk::ready(Plan::plain()).await;
    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
    let ana = desk.standin.customer("Ana", "551187654321");
    ana.also_answers_to("5511987654321");
    let send = async |text: &str| {
        let args = ["send", "+5511987654321", text, "--wait", "delivered", "-o", "json"];
        desk.crm.json(&args).await;
    };
    send("hi").await;
    phone_shows(&ana, "hi").await;
    ana.write("oi");
    let told = heard(&mut socket, "oi").await;
    send("again").await;
    assert_eq!(customers(&desk).await, [1]);
    assert_eq!(texts(&desk, &told["conversation_id"]).await, ["hi", "oi", "again"]);
    let identities = desk.crm.json(&["customer", "view", "1", "-o", "json"]).await["identities"].to_string();
    for form in ["+551187654321", "+5511987654321"] {
        assert!(identities.contains(&format!("\"{form}\"")), "{identities}");
    }
}

async fn heard(socket: &mut Socket, text: &str) -> Value {
    let told = socket.event(|event| event["t"] == "message.received" && event["d"]["content"] == text);
    told.await["d"].clone()
}

async fn texts(desk: &Desk, conversation: &Value) -> Vec<String> {
    let rows = desk
        .crm
        .lines(&["message", "list", &conversation.to_string(), "-o", "ndjson"])
        .await;
    rows.iter()
        .map(|row| row["content"].as_str().unwrap().to_owned())
        .collect()
}

async fn customers(desk: &Desk) -> Vec<i64> {
    let rows = desk.crm.lines(&["customer", "list", "-o", "ndjson"]).await;
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}
