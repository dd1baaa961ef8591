//! Groups, and two of our accounts side by side in one.

use serde_json::json;
use testbed::standin::{NewGroup, PhoneId, Who};

use crate::page::Page;
use crate::standin;

#[tokio::test]
async fn two_accounts_share_group_and_receipts() {
    let standin = standin().await;
    let ann = standin.customer("Ann", "447700900123");
    let (first, second) = (standin.phone(), standin.add_phone("Corner Shop", "447700900002"));
    let group = standin.add_group(NewGroup {
        phones: vec![first.id(), second.id()],
        ..NewGroup::of("Street", vec![ann.id()])
    });
    let one = Page::link_to(&standin, &first).await;
    let other = Page::link_to(&standin, &second).await;
    let (mut one, mut other) = (Page::log_in(&standin, &one).await, Page::log_in(&standin, &other).await);
    one.until("offline_end").await;
    other.until("offline_end").await;
    one.say(json!({ "op": "message", "kind": "text", "to": group.id(), "id": "3EB01", "text": "open at six" }))
        .await;
    let seen = loop {
        let frame = other.until("stanza").await;
        if frame["stanza"]["text"] == "open at six" {
            break frame;
        }
    };
    let stanza = &seen["stanza"];
    assert_eq!(stanza["from_me"], false);
    assert_eq!(stanza["author"], json!(group.address_of(&first)));
    assert_eq!(stanza["push_name"], "Bridge Street Bakery");
    assert_eq!(group.inbox_of(&ann)[0].text, "open at six");
    assert_eq!(standin.acks("3EB01"), [1, 2]);
    other.say(json!({ "op": "ack", "seq": seen["seq"] })).await;
    other
        .say(json!({ "op": "read", "jid": group.id(), "ids": ["3EB01"] }))
        .await;
    ann.read_all();
    let ack = |phone: PhoneId| group.chat_of(phone).pop().map(|message| message.ack);
    standin
        .until(|world| {
            let thread = world.thread(first.id(), &group)?;
            (thread.messages.last()?.ack == 3).then_some(())
        })
        .await;
    assert_eq!((ack(first.id()), ack(second.id())), (Some(3), Some(3)));
    let mut acks = standin.acks("3EB01");
    acks.sort_unstable();
    assert_eq!(acks, [1, 2, 2, 3, 3]);
}

#[tokio::test]
async fn removed_member_hears_removal_and_no_more() {
    let standin = standin().await;
    let (ann, bob) = (
        standin.customer("Ann", "447700900123"),
        standin.customer("Bob", "447700900124"),
    );
    let group = standin.group("Street", &[&ann, &bob]);
    let (mut page, credential) = Page::ready(&standin).await;
    group.remove(&bob);
    assert_eq!(page.message("gp2").await["body"]["fields"]["subtype"], "remove");
    group.write(&ann, "Bob is gone");
    assert_eq!(page.message("chat").await["text"], "Bob is gone");
    assert!(group.inbox_of(&bob).is_empty());
    group.remove(&standin.phone());
    let last = page.message("gp2").await;
    assert_eq!(
        last["body"]["fields"]["recipients"],
        json!([group.address_of(&standin.phone())])
    );
    assert_eq!(last["group"]["participants"].as_array().map(Vec::len), Some(1));
    group.write(&ann, "so are they");
    page.say(json!({ "op": "message", "kind": "text", "to": group.id(), "id": "3EB01", "text": "hello?" }))
        .await;
    assert_eq!(page.until("sent").await["error"], 403);
    let mut page = Page::log_in(&standin, &credential).await;
    let waiting = page.until("welcome").await["offline"].as_u64();
    assert_eq!(
        waiting,
        Some(3),
        "two notices and a text, and nothing of what was written after that"
    );
}

#[tokio::test]
async fn group_history_has_authors_and_notices() {
    let standin = standin().await;
    let (ann, bob) = (
        standin.customer("Ann", "447700900123"),
        standin.customer("Bob", "447700900124"),
    );
    let group = standin.add_group(NewGroup {
        made_by: Some(bob.id()),
        t: Some(1_700_000_000),
        ..NewGroup::of("Street", vec![ann.id()])
    });
    group.write(&ann, "first");
    let ours = standin.phone().send(&group, "second");
    group.react(&bob, Who::Phone(standin.phone().id()), &ours, "👍");
    let credential = Page::link(&standin).await;
    let mut page = Page::log_in(&standin, &credential).await;
    let chat = page.until("history").await["chunk"]["chats"][0].clone();
    assert_eq!(chat["chat"], json!(group.id()));
    assert_eq!(chat["group"]["owner"], json!(group.address_of(&bob)));
    let told: Vec<_> = chat["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .map(|message| {
            (
                message["body"]["type"].clone(),
                message["author"].clone(),
                message["push_name"].clone(),
            )
        })
        .collect();
    let (a, b, us) = (
        json!(group.address_of(&ann)),
        json!(group.address_of(&bob)),
        json!(group.address_of(&standin.phone())),
    );
    let expected = [
        (json!("gp2"), b.clone(), json!("Bob")),
        (json!(null), a, json!("Ann")),
        (json!(null), us, json!(null)),
    ];
    assert_eq!(told, expected);
    let reactions = &chat["messages"][2]["reactions"];
    assert_eq!(reactions[b.as_str().expect("text")]["text"], "👍");
}
