//! What a device keeps, what it is told of history and people, and the page that is served to it.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use testbed::standin::{KeyLayout, NewCustomer, Rule, Script};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::page::Page;
use crate::standin;

#[tokio::test]
async fn device_store_keeps_lone_surrogates() {
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
async fn history_comes_until_acknowledged() {
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
async fn older_history_follows_in_chunks() {
    let standin = standin().await;
    let chats = standin.fill_history(3, 3_000, Duration::from_hours(24));
    standin.give_first(10);
    let credential = Page::link(&standin).await;
    let mut page = Page::log_in(&standin, &credential).await;
    assert_eq!(page.until("welcome").await["history"], 1);
    let first = page.until("history").await["chunk"].clone();
    assert_eq!(first["chats"].as_array().map(Vec::len), Some(3));
    assert_eq!(first["chats"][0]["messages"][9]["text"], "Message 2999 of chat 2");
    page.say(json!({ "op": "history_ack", "n": first["n"] })).await;
    page.until("offline_end").await;
    // A page that goes away in the middle gets what it has not said it has.
    page.until("history").await;
    let mut page = Page::log_in(&standin, &credential).await;
    page.until("offline_end").await;
    let (mut texts, mut progress) = (Vec::new(), Vec::new());
    while progress.last() != Some(&100) {
        let chunk = page.until("history").await["chunk"].clone();
        assert_eq!(chunk["background"], true);
        progress.push(chunk["progress"].as_u64().expect("a number"));
        for chat in chunk["chats"].as_array().expect("chats") {
            if chat["chat"] == json!(chats[1].chat()) {
                let piece = chat["messages"].as_array().expect("messages").iter();
                let piece: Vec<_> = piece.map(|message| message["text"].clone()).collect();
                texts.splice(0..0, piece);
            }
        }
        page.say(json!({ "op": "history_ack", "n": chunk["n"] })).await;
    }
    assert!(progress.is_sorted() && progress.len() >= 5, "{progress:?}");
    assert_eq!(texts.len(), 2_990);
    assert_eq!(
        (&texts[0], &texts[2_989]),
        (&json!("Message 0 of chat 1"), &json!("Message 2989 of chat 1"))
    );
}

/// A hidden number is not revealed.
#[tokio::test]
async fn person_is_found_by_number_or_lid() {
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
async fn script_answers_by_first_matching_rule() {
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
async fn page_has_csp_and_requested_key_layout() {
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
    let maria = standin.customer("Maria", "447700900123");
    let all: Vec<Value> = get("control/customers").await.json().await.expect("a list");
    assert_eq!(all.len(), 1);
    assert_eq!(
        (&all[0]["name"], &all[0]["chat"]),
        (&json!("Maria"), &json!(maria.chat()))
    );
}

#[tokio::test]
async fn replaced_page_cannot_write_to_disk() {
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
