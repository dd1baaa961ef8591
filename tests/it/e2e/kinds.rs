//! Every kind of message that is neither a text nor a file, in each direction that it has: what was sent is what the phone, the
//! database, the WebSocket and the export show.

use reqwest::Method;
use serde_json::{Value, json};
use testbed::standin::{Draft, Received};

use crate::rig::PATIENCE;
use crate::rig::desk::Desk;
use crate::rig::talk::Talk;
use crate::rig::told::{rest, told};

const NUMBER: &str = "447700900130";
const TO: &str = "+447700900130";
const VCARD: &str =
    "BEGIN:VCARD\nVERSION:3.0\nN:;Bob;;;\nFN:Bob\nTEL;type=CELL;waid=447700900999:+447700900999\nEND:VCARD";

impl Talk {
    /// What the customer's phone shows of a message of ours, once WhatsApp has it.
    async fn phone_shows(&mut self, sent: &Value) -> Received {
        let state = told(&mut self.socket, "message.state", |data| {
            data["id"] == sent["id"] && data["ack"].is_number()
        })
        .await;
        let stanza = state["whatsapp_id"].as_str().unwrap().to_owned();
        let shown = self.customer.received(|received| received.stanza_id == stanza);
        tokio::time::timeout(PATIENCE, shown).await.expect("the phone shows it")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_received_kind_is_stored_and_exported() {
    let mut rig = Talk::with(NUMBER).await;
    let mut seen = vec![];

    let place = rig.hears(Draft::location(51.5033, -0.1195, "London Eye")).await;
    assert_eq!(
        (&place["kind"], &place["details"]["location"]["name"]),
        (&json!("location"), &json!("London Eye"))
    );
    assert_eq!(place["details"]["location"]["latitude"], 51.5033);
    seen.push(place);

    let card = rig.hears(Draft::contact("Bob", VCARD)).await;
    assert_eq!(
        (&card["kind"], &card["content"]),
        (&json!("contact"), &json!("[contact: Bob, +447700900999]"))
    );
    assert_eq!(card["details"]["contacts"], json!([{"name": "Bob", "vcard": VCARD}]));
    seen.push(card);
    let cards = rig.hears(Draft::contacts(&[("Bob", VCARD), ("Eve", VCARD)])).await;
    assert_eq!(cards["details"]["contacts"].as_array().unwrap().len(), 2);
    seen.push(cards);

    let forwarded = rig
        .hears(Draft {
            forwarded: true,
            ..Draft::text("*passed* _on_ ~x~")
        })
        .await;
    assert_eq!(
        (&forwarded["content"], &forwarded["details"]["forwarded"]),
        (&json!("*passed* _on_ ~x~"), &json!(true))
    );
    seen.push(forwarded);

    let call = rig.hears(Draft::missed_call(true)).await;
    assert_eq!(
        (&call["kind"], &call["content"]),
        (&json!("system"), &json!("Missed video call"))
    );
    assert_eq!(call["details"]["notice"], "call_missed");
    seen.push(call);

    let odd = rig
        .hears(Draft::raw("hologram", json!({"depth": 3, "mediaKey": "c2VjcmV0"})))
        .await;
    assert_eq!(
        (&odd["kind"], &odd["details"]["raw"]["type"]),
        (&json!("unknown"), &json!("hologram"))
    );
    assert_eq!(
        (&odd["content"], &odd["details"]["raw"]["depth"]),
        (&json!("[message that cannot be shown: hologram]"), &json!(3))
    );
    assert!(!odd.to_string().contains("c2VjcmV0"), "{odd}");
    seen.push(odd);

    let long = "x".repeat(70_000);
    let told_long = rig.hears(Draft::text(&long)).await;
    assert_eq!(told_long["content"], long.as_str());
    seen.push(told_long);

    for told in seen {
        let row = rig.exported(&told["id"]).await;
        assert_eq!((&row["content"], &row["details"]), (&told["content"], &told["details"]));
    }
    let (_, metrics) = metrics(&rig.desk).await;
    assert!(metrics.contains("crm_unknown_messages 1"), "{metrics}");
}

async fn metrics(desk: &Desk) -> (u16, String) {
    let answer = reqwest::Client::new()
        .get(format!("{}/metrics", desk.crm.url))
        .bearer_auth(desk.crm.admin_key())
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poll_counts_voter_once_live_location_moves() {
    let mut rig = Talk::with(NUMBER).await;
    let poll = rig.hears(Draft::poll("When?", &["nine", "ten"], 1)).await;
    assert_eq!(
        (&poll["kind"], &poll["details"]["poll"]["options"]),
        (&json!("poll"), &json!(["nine", "ten"]))
    );
    let stanza = poll["whatsapp_id"].as_str().unwrap().to_owned();
    for option in ["nine", "ten"] {
        rig.customer.vote(&stanza, &[option]);
        let counted = told(&mut rig.socket, "message.poll", |data| data["id"] == poll["id"]).await;
        let votes = counted["details"]["poll"]["votes"].as_array().unwrap();
        assert_eq!((votes.len(), &votes[0]["options"]), (1, &json!([option])));
    }

    // A poll of ours, in which the customer votes.
    let asked = json!({"to": TO, "poll": {"question": "Pick-up?", "options": ["yes", "no"], "selectable": 1}});
    let (status, sent) = rest(&rig.desk, Method::POST, "/api/v1/messages", asked).await;
    assert_eq!((status, &sent["kind"]), (202, &json!("poll")), "{sent}");
    let shown = rig.phone_shows(&sent).await;
    assert_eq!(
        (shown.kind.as_str(), &shown.details["pollName"]),
        ("poll_creation", &json!("Pick-up?"))
    );
    rig.customer.vote(&shown.stanza_id, &["yes"]);
    let voted = told(&mut rig.socket, "message.poll", |data| data["id"] == sent["id"]).await;
    assert_eq!(voted["details"]["poll"]["votes"][0]["options"], json!(["yes"]));
    // Votes that nobody heard are found again.
    rig.desk.standin.reload_pages();
    let live = rig.hears(Draft::live_location(1.0, 2.0, 900)).await;
    let row = rig.exported(&sent["id"]).await;
    assert_eq!(row["details"]["poll"]["votes"].as_array().unwrap().len(), 1);

    assert!(live["details"]["location"]["live_until"].is_string(), "{live}");
    rig.customer.move_to(live["whatsapp_id"].as_str().unwrap(), 1.5, 2.5);
    let moved = told(&mut rig.socket, "message.edited", |data| data["id"] == live["id"]).await;
    let place = &moved["details"]["location"];
    assert_eq!((&place["latitude"], &place["longitude"]), (&json!(1.5), &json!(2.5)));
}

/// Sent by the shell and by the WebSocket.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn location_contact_and_poll_reach_phone() {
    let mut rig = Talk::with(NUMBER).await;
    let question = rig.hears(Draft::text("where?")).await;
    let id = question["id"].to_string();

    let sent = rig
        .desk
        .crm
        .json(&[
            "send",
            TO,
            "--location",
            "51.5033,-0.1195,London Eye",
            "--reply-to",
            &id,
            "--wait",
            "delivered",
            "-o",
            "json",
        ])
        .await;
    let shown = rig.phone_shows(&sent).await;
    assert_eq!(
        (shown.kind.as_str(), &shown.details["lat"], &shown.details["lng"]),
        ("location", &json!(51.5033), &json!(-0.1195))
    );
    assert_eq!(shown.details["loc"], "London Eye");
    assert_eq!(
        shown.quote.map(|quote| quote.id).as_deref(),
        question["whatsapp_id"].as_str()
    );
    let row = rig.exported(&sent["id"]).await;
    assert_eq!(
        (&row["kind"], &row["details"]["location"]["latitude"]),
        (&json!("location"), &json!(51.5033))
    );

    let reply = rig
        .socket
        .send(json!({"to": TO, "contact": {"name": "Bob", "phone": "+44 7700 900999"}, "idempotency_key": "card"}))
        .await;
    assert_eq!(reply["status"], 202, "{reply}");
    let shown = rig.phone_shows(&reply["d"]).await;
    assert_eq!((shown.kind.as_str(), &shown.details["body"]), ("vcard", &json!(VCARD)));

    let sent = rig
        .desk
        .crm
        .json(&[
            "send", TO, "--poll", "When?", "--option", "nine", "--option", "ten", "-o", "json",
        ])
        .await;
    let shown = rig.phone_shows(&sent).await;
    let options: Vec<&Value> = shown.details["pollOptions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|option| &option["name"])
        .collect();
    assert_eq!(
        (shown.kind.as_str(), options),
        ("poll_creation", vec![&json!("nine"), &json!("ten")])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disappearing_message_is_gone_after_its_time() {
    let mut rig = Talk::with(NUMBER).await;
    let short = rig
        .hears(Draft {
            expires_after_s: Some(2),
            ..Draft::text("gone soon")
        })
        .await;
    assert_eq!(short["details"]["expires_after_s"], 2);
    let gone = told(&mut rig.socket, "message.deleted", |data| data["id"] == short["id"]).await;
    assert_eq!(
        (&gone["content"], &gone["details"]["disappeared"]),
        (&json!(""), &json!(true))
    );
    assert_eq!(rig.exported(&short["id"]).await["content"], "");
}

/// What a business's customers send besides texts and files: each has a line that says what it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_ad_and_album_are_told_in_words() {
    let mut rig = Talk::with(NUMBER).await;
    let mut order = serde_json::Map::new();
    for number in 0..60 {
        order.insert(format!("field{number}"), json!(number));
    }
    let fields = json!({"orderTitle": "Cakes", "itemCount": 2, "totalAmount1000": 15000, "totalCurrencyCode": "GBP",
        "message": "for Friday"});
    order.extend(fields.as_object().unwrap().clone());
    let told = rig.hears(Draft::raw("order", Value::Object(order))).await;
    assert_eq!(told["content"], "[order: Cakes; 2 items; 15.00 GBP] for Friday");
    assert_eq!(told["details"]["raw"]["field59"], 59);

    let list = json!({"list": {"title": "Menu", "sections": [{"rows": [{"title": "Soup"}, {"title": "Salad"}]}]}});
    assert_eq!(
        rig.hears(Draft::raw("list", list)).await["content"],
        "[list: Menu; Soup · Salad]"
    );

    let ad = json!({"title": "Blue lamp", "sourceUrl": "https://e.org/ad", "sourceId": "42"});
    let came = Draft {
        fields: json!({"ctwaContext": ad}).as_object().unwrap().clone(),
        ..Draft::text("I want this one")
    };
    let told = rig.hears(came).await;
    assert_eq!(told["content"], "I want this one");
    assert_eq!(
        told["details"]["ad"],
        json!({"title": "Blue lamp", "url": "https://e.org/ad", "source_id": "42"})
    );

    // The parent of an album is no message, nor is a pin.
    let before = unread(&rig.desk, &told["conversation_id"]).await;
    for kind in ["album", "pin_message", "event_response"] {
        rig.customer.send(Draft::raw(kind, json!({})));
    }
    rig.hears(Draft::text("last")).await;
    assert_eq!(unread(&rig.desk, &told["conversation_id"]).await, before + 1);
}

async fn unread(desk: &Desk, conversation: &Value) -> i64 {
    let path = format!("/api/v1/conversations/{conversation}");
    let (_, view) = rest(desk, Method::GET, &path, Value::Null).await;
    view["unread_count"].as_i64().unwrap()
}

/// WhatsApp's own announcements are left out like a channel; so is nothing of a person.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn announcement_chat_is_left_out() {
    let mut rig = Talk::with(NUMBER).await;
    let official = rig.desk.standin.customer("WhatsApp", "0");
    official.write("What is new");
    rig.hears(Draft::text("from a person")).await;
    rig.desk.standin.reload_pages();
    official.write("More that is new");
    rig.hears(Draft::text("from a person again")).await;
    let (_, customers) = rest(&rig.desk, Method::GET, "/api/v1/customers", Value::Null).await;
    assert_eq!(customers["data"].as_array().unwrap().len(), 1, "{customers}");
    let (_, metrics) = metrics(&rig.desk).await;
    assert!(metrics.contains("crm_quarantined 0"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_message_is_told_by_the_page() {
    let mut rig = Talk::with(NUMBER).await;
    let promise = Draft {
        expires_after_s: Some(6),
        ..Draft::text("a promise")
    };
    let told = rig.hears(promise).await;
    let stanza = told["whatsapp_id"].as_str().unwrap().to_owned();
    let kept = |state: u8| json!({"kicState": state}).as_object().unwrap().clone();
    rig.customer.update(&stanza, &kept(1));
    let path = format!("/api/v1/messages/{}", told["id"]);
    let is_kept = async |desk: &Desk| rest(desk, Method::GET, &path, Value::Null).await.1["details"]["kept"] == true;
    tokio::time::timeout(PATIENCE, async {
        while !is_kept(&rig.desk).await {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("it is kept");
    rig.customer.update(&stanza, &kept(2));
    crate::rig::told::told(&mut rig.socket, "message.deleted", |data| data["id"] == told["id"]).await;
}

/// Nobody misses that somebody wrote, and the words take the place of the line once the page can read them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn undecryptable_message_is_told_then_replaced() {
    let mut rig = Talk::with(NUMBER).await;
    let line = rig
        .hears(Draft {
            undecryptable: true,
            ..Draft::text("late words")
        })
        .await;
    assert_eq!(
        (&line["kind"], &line["content"]),
        (
            &json!("unknown"),
            &json!("[message that could not be decrypted yet; see the phone]")
        )
    );
    rig.customer.decrypt(line["whatsapp_id"].as_str().unwrap());
    let is_it = |data: &Value| data["id"] == line["id"];
    let replaced = told(&mut rig.socket, "message.edited", is_it).await;
    assert_eq!(
        (&replaced["kind"], &replaced["content"]),
        (&json!("text"), &json!("late words"))
    );
    let row = rig.exported(&line["id"]).await;
    assert_eq!((&row["kind"], &row["content"]), (&json!("text"), &json!("late words")));
}

/// The library waits for the words of messages only that came in this load of the page.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn message_decrypted_after_reload_is_stored() {
    let mut rig = Talk::with(NUMBER).await;
    let other = rig.desk.standin.customer("Bea", "447700900131");
    let stanza = rig.customer.send(Draft {
        undecryptable: true,
        ..Draft::text("late words")
    });
    // The page takes what comes in order: behind another's message it has that one.
    other.write("before the reload");
    told(&mut rig.socket, "message.received", |data| {
        data["content"] == "before the reload"
    })
    .await;
    rig.desk.standin.reload_pages();
    other.write("after the reload");
    told(&mut rig.socket, "message.received", |data| {
        data["content"] == "after the reload"
    })
    .await;
    rig.customer.decrypt(&stanza);
    let stored = rig
        .socket
        .event(|event| event["d"]["whatsapp_id"] == stanza.as_str() && event["d"]["content"] == "late words")
        .await;
    assert_eq!(stored["d"]["kind"], "text");
}
