//! Sends, stanzas, acks, connections and codes: what is kept, sent again, and refused.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use testbed::standin::{Draft, LinkError, LoseAnswer, Network, World};
use tokio_tungstenite::connect_async;

use crate::page::{Page, SECRET, device};
use crate::{standin, texts};

#[tokio::test]
async fn repeated_send_is_noted_twice_shown_once() {
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
async fn stanza_is_resent_until_acknowledged() {
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

#[tokio::test]
async fn offline_phone_gets_held_messages_in_order() {
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
async fn edit_or_delete_before_delivery_is_applied() {
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
async fn sender_chooses_id_and_sees_receipts() {
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
async fn answer_is_lost_delayed_or_refused_on_demand() {
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
async fn second_page_displaces_first() {
    let standin = standin().await;
    let (mut first, credential) = Page::ready(&standin).await;
    let mut second = Page::log_in(&standin, &credential).await;
    second.until("offline_end").await;
    first.until("conflict").await;
    assert!(first.next().await.is_none());
    assert_eq!(standin.look(World::connected), [device(&credential)]);
}

#[tokio::test]
async fn unknown_or_unlinked_device_is_logged_out() {
    let standin = standin().await;
    let (mut page, credential) = Page::ready(&standin).await;
    standin.phone().log_out_devices_for("account_locked");
    assert_eq!(page.until("logged_out").await["reason"], "account_locked");
    let mut page = Page::log_in(&standin, &credential).await;
    assert_eq!(page.until("logged_out").await["reason"], "unknown_companion");
    assert!(standin.phone().devices().is_empty());
}

#[tokio::test]
async fn page_gone_before_credential_fails_scan() {
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
async fn code_with_wrong_keys_is_refused() {
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
async fn typing_reaches_only_subscribed_connection() {
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
async fn down_network_refuses_dead_network_is_silent() {
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
