//! The management room moves to a login that cannot read it, and is replaced.

use crm::domain::Role;
use crm::domain::moving::LoginKind;
use crm::store::{AuditFilter, PageRequest};

use super::text;
use crate::bridge::Rig;

/// A manager writes a command that the bot has not read when rooms move to the application service; the program is killed
/// once after so many calls to the outside. Returns whether that came.
async fn replaced_and_killed_after(calls: u32) -> bool {
    let mut rig = Box::pin(Rig::begin(|run| {
        run.managed = true;
        run.login = Some((LoginKind::Bot, true));
    }))
    .await;
    rig.work().await;
    Box::pin(rig.met()).await;
    rig.agent("Max", Role::Manager).await;
    Box::pin(rig.settle()).await;
    let old = rig.run.matrix.room_called("_management").expect("the room is there");
    rig.run.matrix.happens_in(&old, "@max:test", text("!logout"));
    rig.run.login = Some((LoginKind::Service, true));
    rig.restart().await;
    let crashed = rig.work_killed_after(calls).await;
    for _ in 0..3 {
        rig.settle().await;
        rig.let_cards_change().await;
    }
    let store = &rig.program.store;
    let filter = AuditFilter::default();
    let lines = store.audit().page(PageRequest::first(10), &filter).await.unwrap();
    let done: Vec<_> = lines.data.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(done, ["ROOM !logout"], "killed after {calls} calls");
    let next = rig
        .run
        .matrix
        .room_called("_management")
        .expect("another room is there");
    assert_ne!(next, old);
    let place = store.settings().get("management.room").await.unwrap();
    assert_eq!(place.as_deref(), Some(next.as_str()), "killed after {calls} calls");
    assert_eq!(
        store.settings().get("matrix.former").await.unwrap(),
        None,
        "the move is over"
    );
    let told = [rig.notices_in(&old), rig.notices_in(&next)].concat();
    let answers = told.iter().filter(|notice| notice.starts_with("Unlinking default"));
    assert_eq!(answers.count(), 1, "killed after {calls} calls: {told:#?}");
    assert_eq!(rig.waiting().await, 0);
    crashed
}

#[tokio::test]
async fn command_in_replaced_room_is_done_once() {
    let mut calls = 0;
    while Box::pin(replaced_and_killed_after(calls)).await {
        calls += 1 + calls / 8;
    }
    assert!(calls > 20, "the move has more steps than {calls}");
}
