//! The rooms move from one login to another.

use std::time::Duration;

use crm::domain::matrix::RoomEventKind;
use crm::domain::message::{Direction, Message};
use crm::domain::moving::LoginKind;
use crm::domain::{Clock as _, MatrixUserId};

use crate::bridge::Rig;
use crate::simulation::homeserver::logins::user_of;

const CHATS: usize = 2;

/// Customers write, agents write in their rooms, and the program ends before it has taken any of it in.
fn written_meanwhile(rig: &Rig, turn: usize) {
    for chat in 0..CHATS {
        rig.run.whatsapp.customer_writes(chat);
        rig.run.matrix.agent_writes(chat, &format!("agent {turn} in {chat}"));
    }
}

/// What agents wrote, as messages, in the order in which they were taken in; each chat on its own.
fn said(messages: &[Message]) -> Vec<String> {
    let said = messages
        .iter()
        .filter(|message| message.direction == Direction::Outbound);
    let mut said: Vec<String> = said.map(|message| message.content.clone()).collect();
    said.sort_by_key(|text| text.rsplit(' ').next().map(str::to_owned));
    said
}

async fn moved_to(rig: &Rig, kind: LoginKind) {
    let store = &rig.program.store;
    let user = MatrixUserId::from(user_of(kind));
    assert_eq!(store.rooms().count_moving(&user).await.unwrap(), (0, 0));
    assert_eq!(
        store.settings().get("matrix.former").await.unwrap(),
        None,
        "the move is over"
    );
    assert_eq!(store.settings().cursor("matrix.sync.former").await.unwrap(), None);
}

/// Plays the move there and back, killed once after so many calls to the outside. Returns whether that came.
async fn killed_after(calls: u32) -> bool {
    let mut rig = Rig::begin(|run| run.login = Some((LoginKind::Bot, false))).await;
    rig.work().await;
    for chat in 0..CHATS {
        rig.run.whatsapp.customer_writes(chat);
    }
    rig.settle().await;
    rig.let_cards_change().await;
    let mut crashed = false;
    for (turn, kind) in [LoginKind::Service, LoginKind::Bot].into_iter().enumerate() {
        written_meanwhile(&rig, turn);
        rig.run.login = Some((kind, false));
        rig.restart().await;
        crashed |= rig.work_killed_after(calls).await;
        written_meanwhile(&rig, turn + 10);
        for _ in 0..3 {
            rig.settle().await;
            rig.let_cards_change().await;
        }
        moved_to(&rig, kind).await;
    }
    let rooms = rig.run.matrix.rooms.lock().unwrap().rooms.len();
    assert_eq!(rooms, CHATS, "the same rooms");
    let mut expected = vec![];
    for chat in 0..CHATS {
        expected.extend([0, 10, 1, 11].map(|turn| format!("agent {turn} in {chat}")));
    }
    assert_eq!(said(&rig.messages().await), expected, "killed after {calls} calls");
    let mut shown = rig.run.matrix.texts();
    let all = shown.len();
    shown.sort();
    shown.dedup();
    assert_eq!(
        (shown.len(), all),
        (CHATS * 5, CHATS * 5),
        "killed after {calls} calls: {shown:#?}"
    );
    assert_eq!(rig.waiting().await, 0);
    crashed
}

#[tokio::test]
async fn move_killed_at_each_call_loses_nothing() {
    let mut calls = 0;
    while Box::pin(killed_after(calls)).await {
        // Each of the first, and then fewer: what comes later repeats for the second room.
        calls += 1 + calls / 8;
    }
    assert!(calls > 20, "the move has more steps than {calls}");
}

/// An encrypted room is replaced: what is said about the old one's texts is said in the next.
#[tokio::test]
async fn refusal_before_move_is_told_in_next_room() {
    let mut rig = Rig::begin(|run| run.login = Some((LoginKind::Bot, true))).await;
    rig.work().await;
    rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    let old = rig.run.matrix.room();
    let stale = rig.run.clock.now().minus(Duration::from_hours(2));
    let text = RoomEventKind::Text {
        body: "written before the server was started".to_owned(),
        reply_to: None,
    };
    rig.run.matrix.happens("@ada:test", text, stale);
    rig.run.login = Some((LoginKind::Service, true));
    rig.restart().await;
    for _ in 0..3 {
        rig.settle().await;
        rig.let_cards_change().await;
    }
    assert_ne!(rig.run.matrix.room(), old, "it is replaced");
    let told = rig.run.matrix.notices();
    assert!(told.iter().any(|told| told.starts_with("Not sent: ")), "{told:?}");
}
