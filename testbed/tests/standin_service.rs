//! The service behind the stand-in's page, spoken with as the page does, without a browser: what it keeps, what it
//! sends again, what it notes before doubles are removed, and what it refuses.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use testbed::standin::{
    Customer, DeviceId, Draft, KeyLayout, LinkError, LoseAnswer, Network, NewCustomer, Options, Rule, Script, StandIn,
    World,
};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const SECRET: [u8; 32] = [7; 32];
const PATIENCE: Duration = Duration::from_secs(5);

/// A page as the service sees it.
struct Page {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Page {
    async fn open(standin: &StandIn, path: &str) -> Self {
        let url = standin.url().replace("http", "ws") + path;
        let (socket, _) = connect_async(url).await.expect("the service takes the connection");
        Self { socket }
    }

    async fn say(&mut self, frame: Value) {
        self.socket
            .send(Message::text(frame.to_string()))
            .await
            .expect("the socket is open");
    }

    /// The next frame; `None` when the service has closed.
    async fn next(&mut self) -> Option<Value> {
        let message = tokio::time::timeout(PATIENCE, self.socket.next())
            .await
            .expect("a frame comes");
        match message {
            Some(Ok(Message::Text(text))) => Some(serde_json::from_str(&text).expect("frames are JSON")),
            _ => None,
        }
    }

    async fn until(&mut self, op: &str) -> Value {
        loop {
            let frame = self.next().await.expect("the service does not close");
            if frame["op"] == op {
                return frame;
            }
        }
    }

    /// Links, and gives the credential.
    async fn link(standin: &StandIn) -> Value {
        let mut page = Self::open(standin, "ws/chat").await;
        let code = page.begin().await;
        let phone = standin.phone();
        // The phone waits for the page to have its credential, and the page for the phone.
        let paired = async {
            let success = page.until("pair_success").await;
            page.say(json!({ "op": "pair_done" })).await;
            success["credential"].clone()
        };
        let (scanned, credential) = tokio::join!(phone.scan(&code), paired);
        scanned.expect("the phone links the page");
        credential
    }

    /// Shows itself to the service, and gives what the QR code says.
    async fn begin(&mut self) -> String {
        let digest = STANDARD.encode(Sha256::digest(SECRET));
        self.say(json!({ "op": "pair", "noise": "bm8=", "identity": "aWQ=", "adv_digest": digest }))
            .await;
        let refs = self.until("refs").await;
        format!(
            "{},bm8=,aWQ=,{}",
            refs["refs"][0].as_str().expect("a reference"),
            STANDARD.encode(SECRET)
        )
    }

    async fn log_in(standin: &StandIn, credential: &Value) -> Self {
        let mut page = Self::open(standin, "ws/chat").await;
        page.say(json!({ "op": "hello", "device": credential["device"], "secret": credential["secret"] }))
            .await;
        page
    }

    async fn ready(standin: &StandIn) -> (Self, Value) {
        let credential = Self::link(standin).await;
        let mut page = Self::log_in(standin, &credential).await;
        page.until("offline_end").await;
        (page, credential)
    }

    async fn send(&mut self, to: &Customer, id: &str, text: &str) {
        self.say(json!({ "op": "message", "kind": "text", "to": to.chat(), "id": id, "text": text }))
            .await;
    }
}

async fn standin() -> StandIn {
    StandIn::start(Options::default()).await.expect("a stand-in starts")
}

fn texts(customer: &Customer) -> Vec<String> {
    customer.inbox().into_iter().map(|received| received.text).collect()
}

#[tokio::test]
async fn every_accepted_send_is_noted_and_the_phone_shows_doubles_once() {
    let standin = standin().await;
    let ann = standin.customer("Ann", "447700900123");
    let (mut page, _) = Page::ready(&standin).await;
    for _ in 0..2 {
        page.send(&ann, "3EB01", "twice").await;
        page.until("sent").await;
    }
    let noted: Vec<String> = standin
        .accepted()
        .into_iter()
        .map(|accepted| accepted.stanza_id)
        .collect();
    assert_eq!(noted, ["3EB01", "3EB01"]);
    assert_eq!(texts(&ann), ["twice"]);
    ann.read_all();
    assert_eq!(standin.acks("3EB01"), [1, 2, 3]);
}

#[tokio::test]
async fn a_stanza_comes_again_on_every_connection_until_it_is_acknowledged() {
    let standin = standin().await;
    let ann = standin.customer("Ann", "447700900123");
    let (mut page, credential) = Page::ready(&standin).await;
    ann.write("live");
    let live = page.until("stanza").await;
    assert!(live["offline"].is_null());
    drop(page);
    ann.write("while away");
    for _ in 0..2 {
        let mut page = Page::log_in(&standin, &credential).await;
        assert_eq!(page.until("welcome").await["offline"], 2);
        let (first, second) = (page.until("stanza").await, page.until("stanza").await);
        assert_eq!(
            [&first["stanza"]["text"], &second["stanza"]["text"]],
            ["live", "while away"]
        );
        assert_eq!([&first["offline"], &second["offline"]], [1, 2]);
    }
    let mut page = Page::log_in(&standin, &credential).await;
    page.say(json!({ "op": "ack", "seq": live["seq"] })).await;
    standin
        .until(|world| (world.waiting_for(device(&credential)) == 1).then_some(()))
        .await;
    let mut page = Page::log_in(&standin, &credential).await;
    assert_eq!(page.until("stanza").await["stanza"]["text"], "while away");
}

fn device(credential: &Value) -> DeviceId {
    serde_json::from_value(credential["device"].clone()).expect("a device")
}

#[tokio::test]
async fn a_phone_that_is_off_gets_what_was_held_in_order() {
    let standin = standin().await;
    let ann = standin.customer("Ann", "447700900123");
    let (mut page, _) = Page::ready(&standin).await;
    ann.set_online(false);
    for n in 1..=3 {
        page.send(&ann, &format!("3EB0{n}"), &format!("text {n}")).await;
        page.until("sent").await;
    }
    assert_eq!(standin.acks("3EB02"), [1]);
    assert!(ann.inbox().is_empty());
    ann.set_online(true);
    assert_eq!(texts(&ann), ["text 1", "text 2", "text 3"]);
    assert_eq!(standin.acks("3EB02"), [1, 2]);
}

#[tokio::test]
async fn what_was_edited_or_deleted_before_it_was_delivered_arrives_so() {
    let standin = standin().await;
    let ann = standin.customer("Ann", "447700900123");
    let (mut page, _) = Page::ready(&standin).await;
    ann.set_online(false);
    page.send(&ann, "3EB01", "draft").await;
    page.send(&ann, "3EB02", "oops").await;
    let to = ann.chat();
    page.say(json!({ "op": "message", "kind": "edit", "to": to, "id": "3EB03", "target": "3EB01", "text": "final" }))
        .await;
    page.say(json!({ "op": "message", "kind": "revoke", "to": to, "id": "3EB04", "target": "3EB02" }))
        .await;
    while page.until("sent").await["id"] != "3EB04" {}
    ann.set_online(true);
    let shown: Vec<_> = ann.inbox().into_iter().map(|m| (m.text, m.edited, m.revoked)).collect();
    assert_eq!(
        shown,
        [("final".to_owned(), true, false), ("oops".to_owned(), false, true)]
    );
}

#[tokio::test]
async fn senders_choose_their_ids_and_see_delivered_and_read() {
    let standin = standin().await;
    let ann = standin.customer("Ann", "447700900123");
    let bob = standin.customer("Bob", "447700900124");
    let (mut page, _) = Page::ready(&standin).await;
    let same = Draft {
        id: Some("COPIED".to_owned()),
        t: Some(1_700_000_000),
        ..Draft::text("mine")
    };
    ann.send(same.clone());
    bob.send(same);
    let (first, second) = (page.until("stanza").await, page.until("stanza").await);
    assert_eq!([&first["stanza"]["id"], &second["stanza"]["id"]], ["COPIED", "COPIED"]);
    assert_ne!(first["stanza"]["chat"], second["stanza"]["chat"]);
    assert_eq!(first["stanza"]["t"], 1_700_000_000);
    assert_eq!(ann.ack_of(false, "COPIED"), Some(1));
    page.say(json!({ "op": "ack", "seq": first["seq"] })).await;
    page.say(json!({ "op": "read", "jid": bob.chat(), "ids": ["COPIED"] }))
        .await;
    let acks = || Some((ann.ack_of(false, "COPIED")?, bob.ack_of(false, "COPIED")?));
    standin
        .until(|world| (!world.read_receipts().is_empty()).then_some(()))
        .await;
    assert_eq!(acks(), Some((2, 3)));
}

#[tokio::test]
async fn an_answer_is_lost_delayed_or_a_refusal_as_asked() {
    let standin = standin().await;
    let ann = standin.customer("Ann", "447700900123");
    let (mut page, credential) = Page::ready(&standin).await;
    standin.refuse_sends(1, 479);
    page.send(&ann, "3EB01", "refused").await;
    assert_eq!(page.until("sent").await["error"], 479);
    assert!(standin.accepted().is_empty());
    standin.lose_answers(1, LoseAnswer::Silence);
    page.send(&ann, "3EB02", "silence").await;
    page.send(&ann, "3EB03", "heard").await;
    assert_eq!(page.until("sent").await["id"], "3EB03");
    standin.lose_answers(1, LoseAnswer::DropSocket);
    page.send(&ann, "3EB04", "dropped").await;
    while let Some(frame) = page.next().await {
        assert_ne!(frame["id"], "3EB04");
    }
    assert_eq!(texts(&ann), ["silence", "heard", "dropped"]);
    let mut page = Page::log_in(&standin, &credential).await;
    page.until("offline_end").await;
    standin.answer_after(Duration::from_millis(50));
    page.send(&ann, "3EB05", "slow").await;
    assert_eq!(page.until("sent").await["id"], "3EB05");
    assert_eq!(standin.accepted().len(), 4);
}

#[tokio::test]
async fn a_second_page_of_a_device_displaces_the_first() {
    let standin = standin().await;
    let (mut first, credential) = Page::ready(&standin).await;
    let mut second = Page::log_in(&standin, &credential).await;
    second.until("offline_end").await;
    first.until("conflict").await;
    assert!(first.next().await.is_none());
    assert_eq!(standin.look(World::connected), [device(&credential)]);
}

#[tokio::test]
async fn a_device_that_is_unknown_or_was_unlinked_is_sent_away() {
    let standin = standin().await;
    let (mut page, credential) = Page::ready(&standin).await;
    standin.phone().log_out_devices_for("account_locked");
    assert_eq!(page.until("logged_out").await["reason"], "account_locked");
    let mut page = Page::log_in(&standin, &credential).await;
    assert_eq!(page.until("logged_out").await["reason"], "unknown_companion");
    assert!(standin.phone().devices().is_empty());
}

#[tokio::test]
async fn a_page_that_goes_before_it_has_its_credential_leaves_no_device() {
    let standin = standin().await;
    let mut page = Page::open(&standin, "ws/chat").await;
    let code = page.begin().await;
    let phone = standin.phone();
    let gone = async {
        page.until("pair_success").await;
        drop(page);
    };
    let (scanned, ()) = tokio::join!(phone.scan(&code), gone);
    assert_eq!(scanned, Err(LinkError::PageGone));
}

#[tokio::test]
async fn a_code_with_other_keys_is_refused() {
    let standin = standin().await;
    let mut page = Page::open(&standin, "ws/chat").await;
    let code = page.begin().await;
    let phone = standin.phone();
    let wrong_noise = code.replacen("bm8=", "eHg=", 1);
    let wrong_secret = code.replace(&STANDARD.encode(SECRET), &STANDARD.encode([8; 32]));
    assert_eq!(phone.scan(&wrong_noise).await, Err(LinkError::WrongKeys));
    assert_eq!(phone.scan(&wrong_secret).await, Err(LinkError::WrongKeys));
    assert_eq!(phone.scan("1,2,3").await, Err(LinkError::NotACode));
    assert_eq!(phone.type_pairing_code("ABCD-EFGH").await, Err(LinkError::Unknown));
}

#[tokio::test]
async fn typing_reaches_only_a_connection_that_asked_for_it() {
    let standin = standin().await;
    let ann = standin.customer("Ann", "447700900123");
    let (mut page, credential) = Page::ready(&standin).await;
    ann.typing("composing");
    ann.write("first");
    assert_eq!(page.until("stanza").await["stanza"]["type"], "message");
    page.say(json!({ "op": "presence_subscribe", "jid": ann.chat() })).await;
    page.say(json!({ "op": "exists", "n": 1, "jid": ann.chat() })).await;
    page.until("answer").await;
    ann.typing("composing");
    assert_eq!(page.until("stanza").await["stanza"]["state"], "composing");
    let mut page = Page::log_in(&standin, &credential).await;
    page.until("offline_end").await;
    ann.typing("composing");
    ann.write("second");
    assert_eq!(page.until("stanza").await["stanza"]["text"], "second");
}

#[tokio::test]
async fn the_network_is_refused_while_it_is_down_and_silent_while_it_is_dead() {
    let standin = standin().await;
    let ann = standin.customer("Ann", "447700900123");
    let (mut page, credential) = Page::ready(&standin).await;
    standin.page_online(false);
    assert!(page.next().await.is_none());
    assert!(
        connect_async(standin.url().replace("http", "ws") + "ws/chat")
            .await
            .is_err()
    );
    standin.page_online(true);
    let mut page = Page::log_in(&standin, &credential).await;
    page.until("offline_end").await;
    standin.set_network(Network::Dead);
    ann.write("unheard");
    page.send(&ann, "3EB01", "unheard").await;
    standin.set_network(Network::Up);
    assert!(
        page.next().await.is_none(),
        "a socket that was dead does not come back to life"
    );
    assert!(standin.accepted().is_empty());
    let mut page = Page::log_in(&standin, &credential).await;
    assert_eq!(page.until("stanza").await["stanza"]["text"], "unheard");
}

#[tokio::test]
async fn a_devices_store_keeps_what_was_answered_even_lone_surrogates() {
    let standin = standin().await;
    let credential = Page::link(&standin).await;
    let path = format!(
        "ws/disk?device={}&secret={}",
        credential["device"],
        credential["secret"].as_str().expect("text")
    );
    let mut disk = Page::open(&standin, &path).await;
    let raw = r#"{"n":1,"op":"put","rows":[["msgs","a",{"body":"\ud800 \u0000"}],["msgs","b",1],["chats","c",2]]}"#;
    disk.socket
        .send(Message::text(raw.to_owned()))
        .await
        .expect("the socket is open");
    assert_eq!(disk.next().await.expect("an answer")["n"], 1);
    disk.say(json!({ "n": 2, "op": "put", "rows": [["msgs", "b", null]] }))
        .await;
    disk.next().await;
    drop(disk);
    let mut disk = Page::open(&standin, &path).await;
    disk.say(json!({ "n": 3, "op": "load" })).await;
    let Some(Ok(Message::Text(rows))) = disk.socket.next().await else {
        panic!("no answer")
    };
    assert_eq!(
        rows.as_str(),
        r#"{"n":3,"rows":[["chats","c",2],["msgs","a",{"body":"\ud800 \u0000"}]]}"#
    );
    assert!(
        connect_async(standin.url().replace("http", "ws") + "ws/disk?device=2&secret=guess")
            .await
            .is_err()
    );
}

#[tokio::test]
async fn history_comes_until_it_was_taken() {
    let standin = standin().await;
    for n in 0..25 {
        standin
            .customer(&format!("C{n}"), &format!("44770090{n:04}"))
            .write("hello");
    }
    let credential = Page::link(&standin).await;
    let mut page = Page::log_in(&standin, &credential).await;
    assert_eq!(page.until("welcome").await["history"], 2);
    let first = page.until("history").await;
    assert_eq!(first["chunk"]["chats"].as_array().map(Vec::len), Some(20));
    page.say(json!({ "op": "history_ack", "n": first["chunk"]["n"] })).await;
    page.say(json!({ "op": "exists", "n": 1, "jid": "1@c.us" })).await;
    page.until("answer").await;
    let mut page = Page::log_in(&standin, &credential).await;
    assert_eq!(page.until("welcome").await["history"], 1);
    assert_eq!(page.until("history").await["chunk"]["progress"], 100);
}

#[tokio::test]
async fn people_are_found_by_either_address_and_told_only_what_may_be_known() {
    let standin = standin().await;
    standin.add_customer(NewCustomer::by_lid("Lea", "447700900200", "111"));
    standin.add_customer(NewCustomer::hidden("Hal", "222"));
    standin.add_customer(NewCustomer {
        on_whatsapp: false,
        ..NewCustomer::by_phone("Off", "447700900300")
    });
    let (mut page, _) = Page::ready(&standin).await;
    let mut found = Vec::new();
    for (n, jid) in ["447700900200@c.us", "111@lid", "222@lid", "447700900300@c.us"]
        .into_iter()
        .enumerate()
    {
        page.say(json!({ "op": "exists", "n": n, "jid": jid })).await;
        let result = page.until("answer").await["result"].clone();
        found.push(json!([result["chat"], result["pn"]]));
    }
    let (known, hidden, nobody) = (
        json!(["111@lid", "447700900200@c.us"]),
        json!(["222@lid", null]),
        json!([null, null]),
    );
    assert_eq!(found, [known.clone(), known, hidden, nobody]);
}

#[tokio::test]
async fn a_script_answers_by_its_first_rule_that_fits() {
    let standin = standin().await;
    let ann = standin.customer("Ann", "447700900123");
    let (mut page, _) = Page::ready(&standin).await;
    let rule = |when: &str, answer: &str| Rule {
        when: when.to_owned(),
        answer: answer.to_owned(),
    };
    ann.play(Script {
        rules: vec![rule("OPEN", "we are"), rule("o", "never")],
        ..Script::echo(Duration::from_millis(1))
    });
    for (n, text, answer) in [(1, "are you open?", "we are"), (2, "hi", "hi")] {
        page.send(&ann, &format!("3EB0{n}"), text).await;
        loop {
            let stanza = page.until("stanza").await["stanza"].clone();
            if stanza["type"] == "message" {
                assert_eq!(stanza["text"], answer);
                break;
            }
        }
    }
}

#[tokio::test]
async fn the_page_is_served_with_a_policy_and_the_layout_asked_for() {
    let standin = standin().await;
    let get = |path: &'static str| {
        let url = standin.url() + path;
        async move { reqwest::get(url).await.expect("the service answers") }
    };
    let page = get("").await;
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(policy.contains("connect-src 'self'"), "{policy}");
    let old = page.text().await.expect("text");
    assert!(old.contains("msgkey_serialized.js") && !old.contains("msgkey_minified.js"));
    standin.set_key_layout(KeyLayout::New);
    let new = get("").await.text().await.expect("text");
    assert!(new.contains("msgkey_minified.js") && !new.contains("msgkey_serialized.js"));
    assert_eq!(get("page/no-such-file.js").await.status(), 404);
    assert_eq!(get("control/customers/99").await.status(), 404);
}

#[tokio::test]
async fn a_page_that_is_gone_cannot_write_behind_the_back_of_the_next() {
    let standin = standin().await;
    let credential = Page::link(&standin).await;
    let secret = credential["secret"].as_str().expect("text");
    let path = format!("ws/disk?device={}&secret={secret}", credential["device"]);
    let mut first = Page::open(&standin, &path).await;
    first
        .say(json!({ "n": 1, "op": "put", "rows": [["msgs", "a", 1]] }))
        .await;
    first.next().await;
    let mut second = Page::open(&standin, &path).await;
    second.say(json!({ "n": 1, "op": "load" })).await;
    assert_eq!(
        second.next().await.expect("an answer")["rows"],
        json!([["msgs", "a", 1]])
    );
    first
        .say(json!({ "n": 2, "op": "put", "rows": [["msgs", "b", 2]] }))
        .await;
    assert!(first.next().await.is_none());
    second.say(json!({ "n": 2, "op": "load" })).await;
    assert_eq!(
        second.next().await.expect("an answer")["rows"],
        json!([["msgs", "a", 1]])
    );
}
