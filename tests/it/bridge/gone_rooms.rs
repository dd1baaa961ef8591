//! Rooms that are gone, and a homeserver that refuses.

use crm::domain::Clock;
use crm::domain::matrix::{Membership, RoomEventKind};

use super::Rig;
use crate::simulation::homeserver::Refuses;

fn text(body: &str) -> RoomEventKind {
    RoomEventKind::Text {
        body: body.to_owned(),
        reply_to: None,
    }
}

/// The bot is put out of a room between an agent's command and its answer: the answer can never be given, and what the
/// customer writes next is shown in a new room.
#[tokio::test]
async fn gone_room_frees_lane() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let room = rig.run.matrix.room();
    rig.run.matrix.happens("@ada:test", text("!help"), rig.run.clock.now());
    rig.run.matrix.put_out(&room);
    rig.settle().await;
    assert_eq!(
        rig.waiting().await,
        0,
        "an answer for a room that is gone waits for ever"
    );
    rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    assert_ne!(rig.run.matrix.room(), room, "there is a new room");
    assert_eq!(rig.run.matrix.texts().len(), 2, "and the message is in it");
}

/// An agent upgrades the room: nobody can write in it any more, and the bot is not in the new one.
#[tokio::test]
async fn upgraded_room_is_replaced_by_ours() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let room = rig.run.matrix.room();
    rig.run
        .matrix
        .happens("@ada:test", RoomEventKind::Replaced, rig.run.clock.now());
    rig.run.matrix.purge(&room);
    rig.settle().await;
    assert_ne!(rig.run.matrix.room(), room, "the conversation has a room of ours again");
    let notice = rig.run.matrix.notices().pop().unwrap();
    assert!(notice.starts_with("This conversation continues here"), "{notice}");
    rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    assert_eq!(rig.run.matrix.texts().len(), 2);
}

/// As above, where nothing tells that the room is gone but its answers.
#[tokio::test]
async fn purged_room_frees_lane() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let room = rig.run.matrix.room();
    rig.run.matrix.happens("@ada:test", text("!help"), rig.run.clock.now());
    rig.run.whatsapp.customer_writes(0);
    rig.take_in_rooms().await;
    rig.run.matrix.purge(&room);
    rig.patience().await;
    assert_eq!(rig.waiting().await, 0);
    assert_ne!(rig.run.matrix.room(), room, "there is a new room");
    assert_eq!(rig.run.matrix.texts().len(), 2, "and the message is in it");
}

/// A tick in a room that is gone is given up: its message is not shown anywhere any more.
#[tokio::test]
async fn purged_room_frees_ticks() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let room = rig.run.matrix.room();
    rig.run.matrix.happens("@ada:test", text("hello"), rig.run.clock.now());
    rig.take_in_rooms().await;
    rig.run.matrix.purge(&room);
    rig.settle().await;
    rig.patience().await;
    assert_eq!(rig.waiting().await, 0);
}

/// An answer for a room that is gone takes nothing from the room that the conversation has by now.
#[tokio::test]
async fn late_answer_leaves_new_room_alone() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let old = rig.run.matrix.room();
    rig.run.matrix.happens("@ada:test", text("!help"), rig.run.clock.now());
    rig.take_in_rooms().await;
    rig.run.matrix.purge(&old);
    let message = rig.messages().await.remove(0);
    let new = crm::domain::MatrixRoomId::from("!new");
    let store = rig.program.store.clone();
    store
        .write::<_, _, crm::store::StoreError, _>((message.conversation_id, new.clone()), |tx, (conversation, new)| {
            Box::pin(async move { tx.rooms().set(*conversation, new).await })
        })
        .await
        .unwrap();
    rig.patience().await;
    assert_eq!(rig.waiting().await, 0);
    let room = store
        .rooms()
        .of_conversation(message.conversation_id)
        .await
        .unwrap()
        .unwrap()
        .room;
    assert_eq!(room, Some(new));
}

/// What a homeserver refuses again and again is given up.
#[tokio::test]
async fn refused_work_frees_lane() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.matrix.rooms.lock().unwrap().refuses = Refuses::All;
    rig.run.whatsapp.customer_writes(0);
    rig.patience().await;
    assert_eq!(rig.waiting().await, 0);
    rig.run.matrix.rooms.lock().unwrap().refuses = Refuses::Nothing;
    rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    assert_eq!(rig.run.matrix.texts().len(), 2, "the next is shown");
}

/// Synapse refuses what is about an event of another room, ten times, and the customer's next words wait behind it.
#[tokio::test]
async fn change_of_lost_rooms_message_is_not_shown() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let first = rig.messages().await[0].clone();
    let store = rig.program.store.clone();
    let shown = store.rooms().shown_in(first.id).await.unwrap();
    let (event, _) = shown.expect("the room shows it");
    rig.run.matrix.put_out(&rig.run.matrix.room());
    rig.settle().await;
    rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    assert_eq!(
        store.rooms().shown_in(first.id).await.unwrap(),
        None,
        "the next room does not"
    );
    assert_eq!(
        store
            .rooms()
            .message_of_event(&event)
            .await
            .unwrap()
            .map(|shown| shown.message),
        Some(first.id),
        "it is still known which message that event was"
    );
}

/// Who left on purpose stays out, but then a message would notify nobody.
#[tokio::test]
async fn deserted_room_asks_agents_in_for_next_message() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let room = rig.run.matrix.room();
    // An update of the room sets its topic anew.
    let is_updated = |rig: &Rig| rig.run.matrix.rooms.lock().unwrap().topics.remove(&room).is_some();
    assert!(is_updated(&rig));
    for (user, updates) in [("@ada:test", true), ("@guest:test", false)] {
        let leaves = RoomEventKind::Member {
            user: user.into(),
            membership: Membership::Leave,
        };
        rig.run.matrix.happens(user, leaves, rig.run.clock.now());
        rig.settle().await;
        assert!(!is_updated(&rig), "nobody is asked in for nothing");
        rig.restart().await;
        for updates in [updates, false] {
            rig.run.whatsapp.customer_writes(0);
            rig.settle().await;
            assert_eq!(is_updated(&rig), updates, "{user}");
        }
    }
}
