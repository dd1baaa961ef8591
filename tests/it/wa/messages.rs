//! Messages in and out, their acks, and how fast a bell is answered.

use std::time::Duration;

use crm::domain::ChatId;
use crm::domain::conversation::ChatKind;
use crm::domain::customer::Identity;
use crm::domain::message::Kind;
use crm::domain::whatsapp::{LookUp, OutgoingContent, OutgoingMessage, PageEvent, QuotedKey, Recipient, WhatsApp};
use testbed::standin::{Address, KeyLayout, NewCustomer, Options};
use tokio::time::Instant;

use super::desk::Desk;

#[tokio::test(flavor = "multi_thread")]
async fn customer_text_is_pulled_until_acked() {
    let mut desk = Desk::linked().await;
    let ada = desk.standin.add_customer(NewCustomer {
        saved_name: Some("Ada Lovelace".to_owned()),
        ..NewCustomer::by_lid("ada", "447700900123", "9001")
    });
    let id = ada.write("Good morning");
    let message = desk.message("Good morning").await;
    assert_eq!(
        (message.id.as_str(), message.kind, message.chat_kind),
        (id.as_str(), Kind::Text, ChatKind::Direct)
    );
    assert!(!message.from_me);
    assert_eq!(message.chat, ChatId("9001@lid".into()));
    let phone = "+447700900123".parse().unwrap();
    assert!(message.contact.identities.contains(&Identity::phone(&phone)));
    assert!(message.contact.identities.contains(&Identity::lid("9001")));
    assert_eq!(message.contact.saved_name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(message.contact.push_name.as_deref(), Some("ada"));
    // Invariant 4: what is not acked comes again.
    ada.write("Are you there?");
    desk.message("Are you there?").await;
    let first = desk.web.pull(None).await.unwrap();
    let again = desk.web.pull(None).await.unwrap();
    assert_eq!(
        first.mark.as_ref().map(|mark| mark.seq),
        again.mark.as_ref().map(|mark| mark.seq)
    );
    assert!(!first.events.is_empty() && first.events == again.events);
    desk.end().await;
}

/// Invariant 3; rule 2.
#[tokio::test(flavor = "multi_thread")]
async fn text_goes_out_once_under_chosen_id() {
    for (layout, address) in [(KeyLayout::Old, Address::Phone), (KeyLayout::New, Address::Lid)] {
        let mut desk = Desk::with(
            Options {
                key_layout: layout,
                ..Options::default()
            },
            |_| {},
        )
        .await;
        desk.link().await;
        let ada = desk.standin.add_customer(NewCustomer {
            address,
            ..NewCustomer::by_lid("ada", "447700900123", "9001")
        });
        let phone = "+447700900123".parse().unwrap();
        let resolved = desk.web.resolve(&Recipient::Phone(phone)).await.unwrap().unwrap();
        let id = desk.web.choose_id(&resolved.chat).await.unwrap();
        let text = OutgoingMessage {
            chat: resolved.chat.clone(),
            id: id.clone(),
            content: OutgoingContent::text("Hello Ada 👋".to_owned()),
            quoted: None,
        };
        assert!(desk.web.send(&text).await.unwrap().ack >= 0);
        let sent = desk.standin.until(|world| world.inbox(ada.id()).first().cloned()).await;
        assert_eq!(
            (sent.stanza_id.as_str(), sent.text.as_str()),
            (id.as_str(), "Hello Ada 👋")
        );
        ada.read_all();
        let mut acks = vec![];
        while acks.last() != Some(&3) {
            let id = id.clone();
            let ack = desk.event("an ack", move |event| match event {
                PageEvent::Ack { ids, ack, .. } if ids.contains(&id) => Some(*ack),
                _ => None,
            });
            acks.push(ack.await);
        }
        assert!(acks.is_sorted(), "{acks:?}");
        assert_eq!(
            desk.web.look_up(&resolved.chat, &id).await.unwrap(),
            LookUp::Found { ack: 3 }
        );
        // A second hand-over of the same id is refused: nobody gets it twice.
        assert!(desk.web.send(&text).await.is_err());
        assert_eq!(desk.standin.accepted().len(), 1);
        desk.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reply_quotes_and_phone_text_comes_as_ours() {
    let mut desk = Desk::linked().await;
    let ada = desk.standin.customer("ada", "447700900123");
    let asked = ada.write("Is it ready?");
    let question = desk.message("Is it ready?").await;
    let text = OutgoingMessage {
        chat: question.chat.clone(),
        id: desk.web.choose_id(&question.chat).await.unwrap(),
        content: OutgoingContent::text("Yes".to_owned()),
        quoted: Some(QuotedKey {
            id: question.id,
            from_me: false,
            sender: None,
        }),
    };
    desk.web.send(&text).await.unwrap();
    let reply = desk.standin.until(|world| world.inbox(ada.id()).first().cloned()).await;
    assert_eq!(reply.quote.map(|quote| quote.id), Some(asked));
    desk.standin.phone().send(ada.id(), "From the shop floor");
    let typed = desk.message("From the shop floor").await;
    assert!(typed.from_me);
    let phone = "+447700900123".parse().unwrap();
    assert!(
        typed.contact.identities.contains(&Identity::phone(&phone)),
        "the contact is the customer, not us"
    );
    desk.end().await;
}

/// rule 3.
#[tokio::test(flavor = "multi_thread")]
async fn only_known_chat_reports_message_absent() {
    let mut desk = Desk::linked().await;
    desk.standin.customer("ada", "447700900123").write("Hi");
    let chat = desk.message("Hi").await.chat;
    assert_eq!(
        desk.web.look_up(&chat, &"3EB0NEVERSENT".into()).await.unwrap(),
        LookUp::Absent
    );
    let elsewhere = ChatId("447700900999@c.us".into());
    let told = desk.web.look_up(&elsewhere, &"3EB0NEVERSENT".into()).await.unwrap();
    assert!(matches!(told, LookUp::Unclear(_)), "{told:?}");
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn number_not_on_whatsapp_has_no_chat() {
    let desk = Desk::linked().await;
    desk.standin.add_customer(NewCustomer {
        on_whatsapp: false,
        ..NewCustomer::by_phone("nobody", "447700900404")
    });
    let absent = Recipient::Phone("+447700900404".parse().unwrap());
    assert_eq!(desk.web.resolve(&absent).await.unwrap(), None);
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chats_and_messages_are_read_in_order() {
    let mut desk = Desk::linked().await;
    let ada = desk.standin.customer("ada", "447700900123");
    let texts: Vec<String> = (0..30).map(|i| format!("line {i}")).collect();
    for text in &texts {
        ada.write(text);
    }
    desk.message("line 29").await;
    let chats = desk.web.chats().await.unwrap();
    assert_eq!((chats.len(), chats[0].unread), (1, 30));
    let read = desk.web.messages(&chats[0].chat, 20).await.unwrap();
    let contents: Vec<_> = read
        .iter()
        .map(|event| match event {
            PageEvent::Message(message) => message.content.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(contents, texts[10..], "the newest twenty, oldest first");
    let PageEvent::Message(last) = &read[19] else { panic!() };
    assert_eq!(chats[0].last_message.as_ref(), Some(&last.id));
    let found = desk.web.message(&(&last.key()).into()).await.unwrap();
    assert_eq!(found.as_ref(), Some(&**last));
    desk.web.mark_read(&chats[0].chat).await.unwrap();
    desk.standin
        .until(|world| (!world.read_receipts().is_empty()).then_some(()))
        .await;
    assert_eq!(desk.web.chats().await.unwrap()[0].unread, 0);
    desk.end().await;
}

/// The doorbell: the next poll is minutes away, so only the doorbell can end the wait.
#[tokio::test(flavor = "multi_thread")]
async fn new_message_ends_waiting_pull() {
    let mut desk = Desk::with(Options::default(), |options| {
        options.limits.pull = Duration::from_mins(5);
    })
    .await;
    desk.link().await;
    let ada = desk.standin.customer("ada", "447700900123");
    for i in 0..20 {
        let text = format!("ping {i}");
        let writing = async {
            // So that the pull is waiting by then; a message that comes before it is no test, and no failure.
            tokio::time::sleep(Duration::from_millis(30)).await;
            ada.write(&text);
        };
        tokio::join!(desk.message(&text), writing);
    }
    desk.end().await;
}

/// A bell that has rung once does not ring for ever: a page with nothing to tell is not asked without a pause.
#[tokio::test(flavor = "multi_thread")]
async fn empty_page_keeps_pull_waiting() {
    const WAIT: Duration = Duration::from_millis(500);
    let mut desk = Desk::with(Options::default(), |options| options.limits.pull = WAIT).await;
    desk.link().await;
    let ada = desk.standin.customer("ada", "447700900123");
    ada.write("hello");
    desk.message("hello").await;
    // What else there is to tell of it is told by then.
    let mut quiet = 0;
    let mut since = Instant::now();
    while quiet < 4 {
        if desk.pull().await.unwrap().mark.is_none() {
            quiet += 1;
        } else {
            (quiet, since) = (0, Instant::now());
        }
    }
    // The first may end early, by a ring for what the one before has taken.
    assert!(since.elapsed() >= 3 * WAIT, "four empty pulls in {:?}", since.elapsed());
    desk.end().await;
}
