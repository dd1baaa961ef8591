//! Out to WhatsApp.

use std::time::Duration;

use crm::bridge::{Resolution, Revision, SendTo};
use crm::domain::Clock;
use crm::domain::matrix::{RoomContent, RoomEventKind};
use crm::domain::message::{Author, MessageState, Origin};

use tokio::sync::oneshot;

use super::Rig;

fn text(body: &str) -> RoomEventKind {
    RoomEventKind::Text {
        body: body.to_owned(),
        reply_to: None,
    }
}

/// Rule 1. What an agent writes that cannot be sent is answered.
#[tokio::test]
async fn only_agent_texts_go_out() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let now = rig.run.clock.now();
    let happens = |sender: &str, what| rig.run.matrix.happens(sender, what, now);
    happens("@ada:test", text("for the customer"));
    happens("@ada:test", RoomEventKind::Notice);
    happens("@ada:test", text("!frobnicate"));
    happens("@ada:test", RoomEventKind::Unsupported("an edit".into()));
    happens("@ada:test", RoomEventKind::Undecryptable);
    happens("@ada:test", text("   "));
    happens("@mallory:test", text("from a stranger in the room"));
    happens("@mallory:test", RoomEventKind::Unsupported("an image".into()));
    rig.settle().await;

    let sent: Vec<_> = rig
        .messages()
        .await
        .into_iter()
        .filter(|message| message.ack.is_some())
        .collect();
    assert_eq!(
        sent.iter().map(|message| message.content.as_str()).collect::<Vec<_>>(),
        ["for the customer"]
    );
    let notices = rig.run.matrix.notices();
    assert_eq!(notices.len(), 4, "{notices:?}");
    assert!(
        notices.iter().all(|notice| notice.starts_with("Not sent: ")),
        "{notices:?}"
    );
    assert!(notices[0].contains("unknown command") && notices[1].contains("an edit is not supported yet"));
    assert!(notices[2].contains("decrypt") && notices[3].contains("empty"));
    assert_eq!(
        rig.program
            .store
            .pending_events()
            .list(true, 0, 10)
            .await
            .unwrap()
            .len(),
        1,
        "the undecryptable one is kept"
    );
}

/// rule 4.
#[tokio::test]
async fn failed_message_frees_lane() {
    let mut rig = Rig::new().await;
    let nowhere = "+447700909999".parse().unwrap();
    let absent = rig.send_to(SendTo::Phone(nowhere), "to nobody").await;
    rig.send(1, "to somebody").await;
    rig.settle().await;
    let absent = rig.program.store.messages().get(absent.id).await.unwrap().unwrap();
    assert_eq!(absent.state, MessageState::Failed);
    assert_eq!(absent.failure.unwrap().code, "not_on_whatsapp");
    assert_eq!(rig.message("to somebody").await.state, MessageState::Read);
    assert!(
        rig.program.store.outbox().counts().await.unwrap().is_empty(),
        "nothing waits"
    );
}

/// rule 4.
#[tokio::test]
async fn outage_pauses_sends_old_ones_expire() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.whatsapp.set_online(false);
    rig.work().await;
    rig.send(0, "soon").await;
    rig.run.clock.advance(Duration::from_hours(1));
    rig.work().await;
    assert_eq!(
        rig.message("soon").await.state,
        MessageState::Queued,
        "an hour of trouble fails nothing"
    );
    rig.run.whatsapp.set_online(true);
    rig.settle().await;
    assert_eq!(rig.message("soon").await.state, MessageState::Read);

    rig.run.whatsapp.set_online(false);
    rig.work().await;
    rig.send(0, "too late").await;
    rig.run.clock.advance(Duration::from_hours(25));
    rig.work().await;
    let late = rig.message("too late").await;
    assert_eq!(
        (late.state, late.failure.unwrap().code.as_str()),
        (MessageState::Failed, "expired")
    );
    rig.run.whatsapp.set_online(true);
    rig.settle().await;
    assert_eq!(
        rig.run.whatsapp.world.lock().unwrap().accepted.len(),
        1,
        "what expired never goes out"
    );
    assert!(
        rig.run
            .matrix
            .notices()
            .iter()
            .any(|notice| notice.contains("expired before it could be sent")),
        "and the room is told"
    );
}

/// The lookup of a chat may take long, and its answer may come when the text is out of date.
#[tokio::test]
async fn text_expiring_during_lookup_is_not_sent() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let (here, reached) = oneshot::channel();
    let (go_on, told) = oneshot::channel();
    rig.run.whatsapp.world.lock().unwrap().choosing = Some((here, told));
    rig.send(0, "too late").await;
    let clock = rig.run.clock.clone();
    let passing = async {
        reached.await.unwrap();
        clock.advance(Duration::from_hours(25));
        go_on.send(()).unwrap();
    };
    tokio::join!(rig.settle(), passing);
    assert_eq!(rig.run.whatsapp.world.lock().unwrap().accepted.len(), 0);
    rig.work().await;
    let late = rig.message("too late").await;
    assert_eq!(late.failure.unwrap().code, "expired");
}

/// A wrong time server must not make texts expire that were written a minute ago.
#[tokio::test]
async fn leaping_clock_expires_nothing_for_hours() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let store = rig.program.store.clone();
    assert_eq!(store.note_clock().await.unwrap(), None);
    rig.run.whatsapp.set_online(false);
    rig.work().await;
    rig.send(0, "a minute ago").await;
    rig.run.clock.advance(Duration::from_hours(40 * 24));
    assert!(store.note_clock().await.unwrap().is_some());
    rig.work().await;
    assert_eq!(rig.message("a minute ago").await.state, MessageState::Queued);
    rig.run.clock.advance(Duration::from_hours(7));
    assert_eq!(store.note_clock().await.unwrap(), None, "it goes on steadily");
    rig.work().await;
    assert_eq!(rig.message("a minute ago").await.state, MessageState::Failed);
}

/// rule 5.
#[tokio::test]
async fn old_agent_text_waits_for_confirmation() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let now = rig.run.clock.now();
    let old = rig.run.matrix.happens(
        "@ada:test",
        text("the shop is open"),
        now.minus(Duration::from_hours(2)),
    );
    rig.settle().await;
    assert!(rig.run.whatsapp.world.lock().unwrap().accepted.is_empty());
    assert!(
        rig.run.matrix.notices()[0].contains("!send"),
        "the room says how to send it after all"
    );

    let go = RoomEventKind::Text {
        body: "!send".into(),
        reply_to: Some(old),
    };
    rig.run.matrix.happens("@ada:test", go.clone(), now);
    rig.run.matrix.happens("@ada:test", go, now);
    rig.settle().await;
    assert_eq!(rig.message("the shop is open").await.state, MessageState::Read);
    assert_eq!(
        rig.run.whatsapp.world.lock().unwrap().accepted.len(),
        1,
        "once, however often it is confirmed"
    );
}

/// rule 5.
#[tokio::test]
async fn parked_outbox_waits_for_resume() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.program
        .store
        .write::<_, _, crm::store::StoreError, _>((), |tx, ()| {
            Box::pin(async move { tx.settings().set_parked(true).await })
        })
        .await
        .unwrap();
    rig.send(0, "restored").await;
    rig.settle().await;
    assert_eq!(rig.message("restored").await.state, MessageState::Queued);
    rig.program.desk.resume_outbox().await.unwrap();
    rig.settle().await;
    assert_eq!(rig.message("restored").await.state, MessageState::Read);
}

/// rule 4: a person decides.
#[tokio::test]
async fn retry_resolve_and_cancel_check_the_state() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.whatsapp.set_online(false);
    rig.work().await;
    let queued = rig.send(0, "taken back").await;
    let cancelled = rig.program.desk.cancel(queued.id).await.unwrap();
    assert_eq!(
        (cancelled.state, cancelled.failure.unwrap().code.as_str()),
        (MessageState::Failed, "cancelled")
    );
    assert!(rig.program.desk.cancel(queued.id).await.is_err());
    assert!(rig.program.desk.resolve(queued.id, Resolution::Sent).await.is_err());
    rig.run.whatsapp.set_online(true);
    rig.settle().await;
    assert!(
        rig.run.whatsapp.world.lock().unwrap().accepted.is_empty(),
        "what was taken back is not sent"
    );

    rig.program.desk.retry(queued.id).await.unwrap();
    rig.settle().await;
    assert_eq!(
        rig.message("taken back").await.state,
        MessageState::Read,
        "asked for again, it goes out"
    );
    assert!(
        rig.program.desk.retry(queued.id).await.is_err(),
        "what was read is not sent twice"
    );
}

/// rule 8: like a person.
#[tokio::test]
async fn chat_is_read_and_typed_before_answer() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.send(0, "an answer").await;
    rig.settle().await;
    let calls = rig.run.whatsapp.calls();
    let kinds: Vec<_> = calls.iter().map(|call| call.split(' ').next().unwrap()).collect();
    assert_eq!(kinds, ["read", "type", "send"], "{calls:?}");
}

/// rule 8.
#[tokio::test]
async fn sends_are_spaced() {
    let spacing = Duration::from_secs(2)..=Duration::from_secs(2);
    let mut rig = Rig::with(|run| run.policy.spacing = spacing).await;
    rig.send(0, "one").await;
    rig.send(1, "two").await;
    rig.work().await;
    let taken = |rig: &Rig| {
        rig.run
            .whatsapp
            .calls()
            .iter()
            .filter(|call| call.starts_with("send"))
            .count()
    };
    assert_eq!(taken(&rig), 1);
    rig.run.clock.advance(Duration::from_secs(2));
    rig.work().await;
    assert_eq!(taken(&rig), 2);
}

/// Rule 4. Many texts to others wait their turn; an answer, a look-up and a change wait for one of them and not for all, and the
/// pace is kept.
#[tokio::test]
async fn answer_does_not_wait_behind_bulk_of_other_lanes() {
    let minute = Duration::from_mins(1);
    let mut rig = Rig::with(|run| run.policy.spacing = minute..=minute).await;
    rig.run.whatsapp.add_chats(60);
    rig.met().await;
    let first = rig.send(0, "an answer").await;
    rig.settle().await;
    rig.run.clock.advance(Duration::from_hours(1));
    rig.run.whatsapp.world.lock().unwrap().calls.clear();
    for chat in 3..60 {
        rig.send(chat, "news for everybody").await;
    }
    rig.work().await;
    rig.run.matrix.agent_writes(0, "one moment").unwrap();
    rig.take_in_rooms().await;
    let by = Author {
        origin: Some(Origin::Shell),
        name: "owner".into(),
    };
    let delete = rig.program.desk.revise(first.id, Revision::Delete, by);
    delete.await.unwrap();
    rig.run.clock.advance(minute);
    rig.work().await;
    let sends: Vec<String> = rig.run.whatsapp.calls();
    let sends: Vec<&String> = sends.iter().filter(|call| call.starts_with("send")).collect();
    assert_eq!(sends.len(), 2, "one a minute: {sends:?}");
    assert_eq!(sends[1], "send 447700900000@c.us");
    rig.run.clock.advance(minute);
    rig.work().await;
    let all = rig.run.whatsapp.calls();
    assert_eq!(all.iter().filter(|call| call.starts_with("send")).count(), 3);
    rig.settle().await;
    let deleted = rig.program.store.messages().get(first.id).await.unwrap().unwrap();
    assert!(deleted.deleted_at.is_some());
}

/// It is sent all the same; the message and its room say that the customer sees no quote.
#[tokio::test]
async fn reply_without_quote_says_so() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let asked = rig.messages().await.remove(0);
    let stanza = asked.whatsapp_id.clone().unwrap();
    let replies = |rig: &Rig, body: &str| {
        let reply_to = Some(
            rig.run
                .matrix
                .newest(|content| matches!(content, RoomContent::Text { .. })),
        );
        let body = body.to_owned();
        let text = RoomEventKind::Text { body, reply_to };
        rig.run.matrix.happens("@ada:test", text, rig.run.clock.now());
    };
    replies(&rig, "quoted");
    rig.settle().await;
    assert_eq!(rig.message("quoted").await.reply_to, Some(asked.id));
    assert_eq!(rig.message("quoted").await.details, None);
    // The page has it when it is asked, and not any more when it takes the reply.
    rig.run.whatsapp.world.lock().unwrap().lost_by_then.push(stanza.clone());
    replies(&rig, "gone meanwhile");
    rig.settle().await;
    assert!(rig.message("gone meanwhile").await.details.unwrap().quote_lost);
    rig.run.whatsapp.world.lock().unwrap().unquotable.push(stanza);
    replies(&rig, "Yes, that one");
    rig.settle().await;
    let bare = rig.message("Yes, that one").await;
    assert_eq!(bare.state, MessageState::Read);
    assert!(bare.details.unwrap().quote_lost);
    let notices = rig.run.matrix.notices();
    let told = notices.iter().filter(|line| line.contains("sees no quote"));
    assert_eq!(told.count(), 2, "{notices:?}");
}
