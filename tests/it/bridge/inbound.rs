//! In from WhatsApp.

use std::time::Duration;

use crm::domain::Clock;
use crm::domain::customer::PhoneNumber;
use crm::domain::matrix::RoomEventKind;
use crm::domain::message::MessageState;
use crm::domain::session::SessionState;
use crm::domain::whatsapp::PageEvent;
use futures_util::FutureExt;

use super::Rig;

/// rule 9.
#[tokio::test]
async fn message_before_first_login_is_silent_history() {
    let mut rig = Rig::new().await;
    let old = rig.run.clock.now().minus(Duration::from_hours(5));
    let message = rig.run.whatsapp.message(0, "OLD", "from last week", old);
    rig.run.whatsapp.event(PageEvent::Message(Box::new(message)));
    rig.settle().await;
    let stored = rig.message("from last week").await;
    assert!(stored.backfilled);
    assert!(rig.run.matrix.texts().is_empty(), "no room");
    rig.run.clock.advance(Duration::from_mins(1));
    rig.settle().await;
    assert!(rig.run.whatsapp.calls().is_empty(), "no read receipt");
    rig.met().await;
    assert_eq!(rig.run.matrix.texts().len(), 1, "the room begins with what is new");
}

/// rule 7.
#[tokio::test]
async fn other_number_sends_and_stores_nothing() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.whatsapp.link_phone("+447700900555");
    rig.work().await;
    rig.run.whatsapp.customer_writes(0);
    rig.send(0, "not from this phone").await;
    rig.settle().await;
    let account = rig.program.store.accounts().present().await.unwrap().remove(0);
    assert_eq!(account.state, SessionState::WrongNumber);
    assert_eq!(
        account.phone.unwrap().as_str(),
        "+447700900999",
        "it stays bound to its first number"
    );
    assert_eq!(rig.message("not from this phone").await.state, MessageState::Queued);
    assert_eq!(rig.messages().await.len(), 2, "nothing new is stored");
}

/// Rules 3 and 7. The business has changed its number: its desk goes on where it was, whether the new phone has scanned the code
/// before or scans it afterwards.
#[tokio::test]
async fn rebound_account_goes_on_with_new_number() {
    for scans_first in [true, false] {
        let mut rig = Rig::new().await;
        rig.met().await;
        let before = rig.program.store.accounts().present().await.unwrap().remove(0);
        let new: PhoneNumber = "+447700900555".parse().unwrap();
        if scans_first {
            rig.run.whatsapp.link_phone(new.as_str());
            rig.work().await;
        }
        let waits = rig.send(0, "from the new number").await;
        rig.program.desk.rebind_account(before.id, new.clone()).await.unwrap();
        rig.restart().await;
        rig.run.whatsapp.look();
        rig.work().await;
        if !scans_first {
            let account = rig.program.store.accounts().present().await.unwrap().remove(0);
            assert_eq!(
                account.state,
                SessionState::WrongNumber,
                "the old phone is not the account's any more"
            );
            rig.run.whatsapp.link_phone(new.as_str());
        }
        rig.work().await;
        rig.run.whatsapp.look();
        rig.run.whatsapp.customer_writes(0);
        rig.settle().await;
        let after = rig.program.store.accounts().present().await.unwrap().remove(0);
        assert_eq!((after.state, after.phone), (SessionState::Ready, Some(new.clone())));
        assert!(after.login > before.login && after.watermark >= before.watermark);
        let messages = rig.messages().await;
        assert_eq!(messages.len(), 3);
        assert!(
            messages
                .iter()
                .all(|message| message.conversation_id == waits.conversation_id)
        );
        assert_eq!(rig.message("from the new number").await.state, MessageState::Read);
        rig.program.desk.rebind_account(before.id, new).await.unwrap();
        let again = rig.program.store.accounts().present().await.unwrap().remove(0);
        assert_eq!(again.login, after.login, "a repeat changes nothing");
    }
}

/// What went out in the old login and was not confirmed is not repeated from the new number.
#[tokio::test]
async fn rebound_account_repeats_no_uncertain_send() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let (here, reached) = tokio::sync::oneshot::channel();
    let (go_on, told) = tokio::sync::oneshot::channel();
    rig.run.whatsapp.world.lock().unwrap().choosing = Some((here, told));
    let sent = rig.send(0, "perhaps").await;
    let whatsapp = rig.run.whatsapp.clone();
    let leave = async {
        reached.await.unwrap();
        whatsapp.set_online(false);
        go_on.send(()).unwrap();
    };
    tokio::join!(rig.work(), leave);
    let account = rig.program.store.accounts().present().await.unwrap().remove(0);
    let new: PhoneNumber = "+447700900555".parse().unwrap();
    rig.program.desk.rebind_account(account.id, new.clone()).await.unwrap();
    rig.run.whatsapp.link_phone(new.as_str());
    rig.run.whatsapp.set_online(true);
    rig.patience().await;
    let sent = rig.program.store.messages().get(sent.id).await.unwrap().unwrap();
    assert_eq!(sent.state, MessageState::Unknown);
    assert!(rig.run.whatsapp.world.lock().unwrap().accepted.is_empty());
}

/// rule 13.
#[tokio::test]
async fn poison_keeps_its_bytes_and_delays_nothing() {
    let mut rig = Rig::new().await;
    let now = rig.run.clock.now();
    rig.run.whatsapp.event(PageEvent::Poison {
        bytes: b"{\"half".to_vec(),
        error: "ends early".into(),
    });
    let nul = rig.run.whatsapp.message(0, "NUL", "nul \0 inside", now);
    rig.run.whatsapp.event(PageEvent::Message(Box::new(nul)));
    rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    let kept = rig
        .program
        .store
        .quarantine()
        .page(crm::store::PageRequest::first(10), None)
        .await
        .unwrap()
        .data;
    assert_eq!(kept.len(), 2);
    assert_eq!(kept[0].bytes, b"{\"half");
    let text = String::from_utf8(kept[1].bytes.clone()).unwrap();
    assert!(
        text.contains("nul \\u0000 inside"),
        "what the store refuses is kept whole"
    );
    assert_eq!(rig.messages().await.len(), 1, "what follows is stored");
    let replayed = rig.program.desk.replay_quarantine().await.unwrap();
    assert_eq!(
        (replayed.taken_in, replayed.still_refused),
        (0, 2),
        "still poison, and still kept"
    );
    assert_eq!(rig.program.store.quarantine().count().await.unwrap(), 2);
}

/// However much before it cannot be read again.
#[tokio::test]
async fn replay_reaches_end_of_long_quarantine() {
    const UNREADABLE: usize = 1_100;
    let mut rig = Rig::new().await;
    rig.met().await;
    let (account, now) = (rig.messages().await[0].account_id, rig.run.clock.now());
    let readable = PageEvent::Message(Box::new(rig.run.whatsapp.message(0, "LAST", "read at last", now)));
    let fill = rig.program.store.write((account, readable), |tx, (account, readable)| {
        async move {
            for number in 0..UNREADABLE {
                let bytes = format!("{{{number}");
                let (quarantine, why) = (tx.quarantine(), "not JSON");
                quarantine
                    .add("whatsapp.event", Some(*account), bytes.as_bytes(), why)
                    .await?;
            }
            let bytes = serde_json::to_vec(readable).unwrap();
            let quarantine = tx.quarantine();
            quarantine.add("whatsapp.event", Some(*account), &bytes, "later").await
        }
        .boxed()
    });
    fill.await.unwrap();
    let replayed = rig.program.desk.replay_quarantine().await.unwrap();
    assert_eq!((replayed.taken_in, replayed.still_refused), (1, UNREADABLE));
    assert_eq!(rig.messages().await.last().unwrap().content, "read at last");
}

/// rule 11.
#[tokio::test]
async fn message_without_event_is_found_in_order() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.whatsapp.set_online(false);
    let missed: Vec<_> = (0..60).map(|_| rig.run.whatsapp.customer_writes(0)).collect();
    rig.run.whatsapp.set_online(true);
    rig.settle().await;
    let held: Vec<_> = rig
        .messages()
        .await
        .into_iter()
        .filter_map(|message| message.whatsapp_id)
        .skip(1)
        .collect();
    assert_eq!(held, missed, "more than one look back reaches, each once, in order");
}

/// rule 11.
#[tokio::test]
async fn ack_for_unknown_message_fetches_it() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.whatsapp.phone_writes(0, "from the owner's phone");
    rig.settle().await;
    let stored = rig.message("from the owner's phone").await;
    assert_eq!(stored.author.unwrap().origin, Some(crm::domain::message::Origin::Phone));
    assert_eq!(stored.state, MessageState::Read);
    assert_eq!(rig.run.matrix.texts().len(), 2, "and it is shown in the room");
}

/// rule 12: a customer chooses their ids, and may copy another's.
#[tokio::test]
async fn copied_stanza_id_is_another_message() {
    let mut rig = Rig::new().await;
    let now = rig.run.clock.now();
    for chat in 0..2 {
        let message = rig.run.whatsapp.message(chat, "COPIED", &format!("from {chat}"), now);
        rig.run.whatsapp.event(PageEvent::Message(Box::new(message.clone())));
        rig.run.whatsapp.event(PageEvent::Message(Box::new(message)));
    }
    rig.settle().await;
    assert_eq!(rig.messages().await.len(), 2);
}

/// rule 15.
#[tokio::test]
async fn unread_follows_agents_not_blue_ticks() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.whatsapp.customer_writes(0);
    rig.run.clock.advance(Duration::from_secs(20));
    rig.settle().await;
    assert!(
        rig.run.whatsapp.calls().iter().any(|call| call.starts_with("read")),
        "the customer sees blue ticks"
    );
    let unread = async |rig: &Rig| {
        rig.program
            .store
            .customers()
            .page(
                crm::store::PageRequest::first(1),
                &crm::store::CustomerFilter::default(),
            )
            .await
            .unwrap()
            .data[0]
            .unread_count
    };
    assert_eq!(unread(&rig).await, 2, "and nobody here has read it");
    let now = rig.run.clock.now();
    let body = "an answer".to_owned();
    rig.run
        .matrix
        .happens("@ada:test", RoomEventKind::Text { body, reply_to: None }, now);
    rig.settle().await;
    assert_eq!(unread(&rig).await, 0);
}

/// The page may miss what the phone sends; the comparison finds it later, and the customer has written since.
#[tokio::test]
async fn late_message_of_phone_answers_nothing_newer() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let then = rig.run.clock.now();
    rig.run.clock.advance(Duration::from_mins(2));
    rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    assert_eq!(rig.unread().await, 2);
    let of_phone = |id: &str, at| {
        let mut message = rig.run.whatsapp.message(0, id, "from the phone", at);
        message.from_me = true;
        message.ack = 3;
        PageEvent::Message(Box::new(message))
    };
    let between = then.plus(Duration::from_mins(1));
    rig.run.whatsapp.event(of_phone("LATE", between));
    let newest = of_phone("NEWEST", rig.run.clock.now().plus(Duration::from_secs(1)));
    rig.settle().await;
    assert_eq!(rig.unread().await, 2, "the newer words are not answered");
    rig.run.clock.advance(Duration::from_secs(1));
    rig.run.whatsapp.event(newest);
    rig.settle().await;
    assert_eq!(rig.unread().await, 0);
}
