//! The import of history, and what comparing with the page costs and tells.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crm::bridge::{Progress, SendTo};
use crm::contract::EventType;
use crm::domain::history::{History, HistoryDepth, HistoryState};
use crm::domain::whatsapp::PageEvent;
use crm::domain::{Clock, Timestamp};
use crm::store::StatementLog;

use super::Rig;

const HOUR: Duration = Duration::from_hours(1);
/// Chats of a busy desk, and most statements that comparing all of them takes while nothing is new.
const CHATS: usize = 300;
const MOST_STATEMENTS: usize = 20;

impl Rig {
    /// A program that is linked to a page on which each chat has texts of the past: `(chat, text, hours ago)`.
    async fn with_past(past: &[(usize, &str, u32)], depth: HistoryDepth) -> Self {
        let mut rig = Self::before_past(past, depth).await;
        rig.work().await;
        rig
    }

    /// The same, where no worker has worked yet.
    async fn before_past(past: &[(usize, &str, u32)], depth: HistoryDepth) -> Self {
        Self::begin(|run| {
            run.policy.history = depth;
            for (n, (chat, text, hours)) in past.iter().enumerate() {
                let at = Timestamp(run.clock.now().minus(HOUR * *hours).0 / 1000 * 1000);
                run.whatsapp.stood_before(*chat, &format!("OLD{n:05}"), text, at);
            }
        })
        .await
    }

    async fn history(&self) -> History {
        let account = self.program.store.accounts().present().await.unwrap().remove(0);
        self.program.store.history().get(account.id).await.unwrap().unwrap()
    }

    async fn texts(&self) -> Vec<String> {
        let texts = self.messages().await.into_iter().map(|message| message.content);
        texts.collect()
    }

    /// How often the page was asked for the messages of a chat.
    fn reads(&self) -> usize {
        let calls = self.run.whatsapp.calls();
        calls.iter().filter(|call| call.starts_with("messages")).count()
    }
}

#[tokio::test]
async fn import_keeps_depth_and_order_and_is_silent() {
    let past = [
        (0, "too old", 24 * 91),
        (0, "first", 200),
        (1, "other", 50),
        (0, "second", 10),
        (0, "third", 10),
    ];
    let mut rig = Rig::with_past(&past, HistoryDepth::Days(90)).await;
    rig.settle().await;
    // The chat with the latest message is the newest; each is stored from its oldest on.
    assert_eq!(rig.texts().await, ["first", "second", "third", "other"]);
    assert!(rig.messages().await.iter().all(|message| message.backfilled));
    let history = rig.history().await;
    assert_eq!(history.state, HistoryState::Done);
    assert_eq!((history.chats_done, history.chats_total, history.messages), (2, 2, 4));
    assert!(
        rig.events(EventType::MessageReceived).await.is_empty(),
        "4 or 50,000: no event each"
    );
    let told = rig.events(EventType::AccountHistory).await;
    assert_eq!(told.last().unwrap()["state"], "done");
    assert_eq!(told.last().unwrap()["messages"], 4);
    rig.run.clock.advance(Duration::from_mins(1));
    rig.settle().await;
    assert!(rig.run.matrix.texts().is_empty(), "no room");
    assert!(
        !rig.run.whatsapp.calls().iter().any(|call| call.starts_with("read")),
        "no read receipt"
    );
    let customers = rig
        .program
        .store
        .customers()
        .page(
            crm::store::PageRequest::first(9),
            &crm::store::CustomerFilter::default(),
        )
        .await
        .unwrap();
    assert!(customers.data.iter().all(|customer| customer.unread_count == 0));
}

#[tokio::test]
async fn import_can_be_asked_later_and_deeper() {
    let past = [(0, "old", 24 * 40), (0, "young", 24)];
    let mut rig = Rig::with_past(&past, HistoryDepth::None).await;
    rig.settle().await;
    assert!(rig.texts().await.is_empty());
    assert_eq!(rig.history().await.state, HistoryState::Done);
    let account = rig.program.store.accounts().present().await.unwrap().remove(0).id;
    rig.program
        .desk
        .ask_history(account, HistoryDepth::Days(7))
        .await
        .unwrap();
    rig.settle().await;
    assert_eq!(rig.texts().await, ["young"]);
    // Less deep than it was is as deep as it was.
    rig.program
        .desk
        .ask_history(account, HistoryDepth::Days(1))
        .await
        .unwrap();
    rig.settle().await;
    assert_eq!(rig.history().await.depth, HistoryDepth::Days(7));
    rig.program.desk.ask_history(account, HistoryDepth::All).await.unwrap();
    rig.settle().await;
    assert_eq!(rig.history().await.messages, 2);
    let conversation = rig.messages().await[0].conversation_id;
    let page = crm::store::PageRequest::first(10);
    let shown = rig
        .program
        .store
        .messages()
        .page(conversation, page)
        .await
        .unwrap()
        .data;
    let shown: Vec<_> = shown.iter().map(|message| message.content.as_str()).collect();
    assert_eq!(shown, ["old", "young"]);
}

#[tokio::test]
async fn killed_import_completes_once_in_order() {
    for seed in 0..12_u32 {
        let texts: Vec<String> = (0..150).map(|n| format!("text {n:03}")).collect();
        // Three a second, so that the order within a second counts; two chats, one of several chunks.
        let past: Vec<_> = texts
            .iter()
            .enumerate()
            .map(|(n, text)| {
                (
                    usize::from(n % 5 == 0),
                    text.as_str(),
                    200 - u32::try_from(n / 3).unwrap(),
                )
            })
            .collect();
        let mut rig = Rig::before_past(&past, HistoryDepth::All).await;
        for kill in 0..6 {
            if kill % 2 == 0 {
                rig.run.gate.crash_after(seed + kill * 3);
            } else {
                rig.run.gate.crash_in_wait(seed * 31 + kill * 50);
            }
            rig.work_or_die().await;
            rig.run.gate.disarm();
        }
        rig.settle().await;
        let history = rig.history().await;
        assert_eq!(
            (history.state, history.messages),
            (HistoryState::Done, 150),
            "seed {seed}"
        );
        for chat in 0..2 {
            let phone = rig.run.whatsapp.world.lock().unwrap().chats[chat].phone.clone();
            let identity = crm::domain::customer::Identity::phone(&phone);
            let customer = rig
                .program
                .store
                .customers()
                .by_identity(&identity)
                .await
                .unwrap()
                .unwrap();
            let conversation = rig
                .messages()
                .await
                .into_iter()
                .find(|one| one.customer_id == Some(customer.id));
            let page = crm::store::PageRequest::first(1000);
            let shown = rig
                .program
                .store
                .messages()
                .page(conversation.unwrap().conversation_id, page)
                .await
                .unwrap();
            let shown: Vec<_> = shown.data.iter().map(|message| message.content.as_str()).collect();
            let written: Vec<_> = past.iter().filter(|told| told.0 == chat).map(|told| told.1).collect();
            assert_eq!(shown, written, "seed {seed}, chat {chat}");
        }
    }
}

/// What is live goes first, and what comes meanwhile is no history.
#[tokio::test]
async fn message_during_import_is_live() {
    let texts: Vec<String> = (0..400).map(|n| format!("text {n:03}")).collect();
    let past: Vec<_> = texts.iter().map(|text| (0, text.as_str(), 300)).collect();
    let mut rig = Rig::before_past(&past, HistoryDepth::All).await;
    // Linked and compared; then the import has begun.
    for worker in [0, 0, 4, 4, 4, 4] {
        rig.run.step(&mut rig.program, worker).await.unwrap();
    }
    assert_eq!(rig.history().await.state, HistoryState::Running);
    rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    let messages = rig.messages().await;
    assert_eq!(messages.len(), 401);
    let live: Vec<_> = messages.iter().filter(|message| !message.backfilled).collect();
    assert_eq!(live.len(), 1);
    assert_eq!(rig.events(EventType::MessageReceived).await.len(), 1);
    assert_eq!(rig.run.matrix.texts().len(), 1);
}

#[tokio::test]
async fn comparison_counts_and_reports_recovered() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.whatsapp.set_online(false);
    for chat in [0, 0, 1] {
        rig.run.whatsapp.customer_writes(chat);
    }
    rig.run.whatsapp.set_online(true);
    rig.settle().await;
    let told = rig.events(EventType::AccountSynced).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (told[0]["recovered"].as_i64(), told[0]["recovered_total"].as_i64()),
        (Some(3), Some(3))
    );

    // Asked for: what the page has and never told of.
    let now = rig.run.clock.now();
    rig.run.whatsapp.stood_before(0, "DEAF", "nobody heard this", now);
    let account = rig.program.store.accounts().present().await.unwrap().remove(0).id;
    let answer = rig.program.desk.sync(account, None).await.unwrap();
    rig.settle().await;
    assert_eq!(answer.await.unwrap().recovered, 1);
    let phone = rig.run.whatsapp.world.lock().unwrap().chats[1].phone.clone();
    let answer = rig
        .program
        .desk
        .sync(account, Some(SendTo::Phone(phone)))
        .await
        .unwrap();
    rig.settle().await;
    let synced = answer.await.unwrap();
    assert_eq!((synced.recovered, synced.recovered_total), (0, 4));
    rig.run.whatsapp.set_online(false);
    rig.work().await;
    assert!(
        rig.program.desk.sync(account, None).await.is_err(),
        "nothing can be compared"
    );
}

#[tokio::test]
async fn comparison_reads_no_unchanged_chat() {
    let past = [(0, "a", 24 * 30), (1, "b", 30), (2, "c", 24 * 100)];
    let mut rig = Rig::with_past(&past, HistoryDepth::Days(90)).await;
    rig.settle().await;
    assert_eq!(rig.texts().await, ["a", "b"], "and not the third, which is too old");
    let before = rig.reads();
    assert_eq!(before, 0, "what is older than the first login is the import's");
    rig.met().await;
    for _ in 0..3 {
        rig.run.whatsapp.reload();
        rig.settle().await;
    }
    assert_eq!(rig.reads(), before);
}

/// Every chat is compared at each start and each time that the page comes back.
#[tokio::test]
async fn comparison_of_unchanged_chats_is_cheap() {
    let statements = Arc::<Mutex<Vec<String>>>::default();
    let log = Arc::clone(&statements);
    let mut rig = Rig::with(|run| {
        run.statements = Some(StatementLog::new(move |sql| log.lock().unwrap().push(sql)));
        let present = run.whatsapp.world.lock().unwrap().chats.len();
        run.whatsapp.add_chats(CHATS - present);
    })
    .await;
    for chat in 0..CHATS {
        rig.run.whatsapp.customer_writes(chat);
    }
    // What the page tells is taken in, and nothing is shown.
    while rig.run.step(&mut rig.program, 0).await.unwrap() == Progress::Worked {}
    assert_eq!(rig.messages().await.len(), CHATS);
    let reads = rig.reads();
    for _ in 0..3 {
        rig.run.whatsapp.reload();
        statements.lock().unwrap().clear();
        while rig.run.step(&mut rig.program, 0).await.unwrap() == Progress::Worked {}
        let ran = statements.lock().unwrap();
        assert!(ran.iter().any(|sql| sql.contains("messages")), "it compared");
        let last = ran.last().unwrap();
        assert!(ran.len() <= MOST_STATEMENTS, "{} statements, then {last}", ran.len());
    }
    assert_eq!(rig.reads(), reads, "of no chat");
}

/// Rule 13. The rest of the import goes on.
#[tokio::test]
async fn unstorable_history_goes_to_quarantine() {
    let past = [(0, "one", 9), (0, "nul \0 inside", 8), (0, "two", 7)];
    let mut rig = Rig::with_past(&past, HistoryDepth::All).await;
    rig.settle().await;
    assert_eq!(rig.texts().await, ["one", "two"]);
    assert_eq!(rig.history().await.state, HistoryState::Done);
    assert_eq!(rig.program.store.quarantine().count().await.unwrap(), 1);
}

/// The import does not stand at it for ever, and says that it is not whole. It is read when the import is asked for again.
#[tokio::test]
async fn unreadable_chat_ends_its_import_and_is_told() {
    let past = [(0, "of a chat that hangs", 7), (1, "of another", 8)];
    let mut rig = Rig::before_past(&past, HistoryDepth::All).await;
    let hangs = rig.run.whatsapp.world.lock().unwrap().chats[0].id.clone();
    rig.run.whatsapp.world.lock().unwrap().unreadable.push(hangs);
    rig.settle().await;
    assert_eq!(rig.texts().await, ["of another"]);
    assert_eq!(rig.history().await.state, HistoryState::Done);
    rig.run.clock.advance(Duration::from_mins(16));
    rig.settle().await;
    let told = |rig: &Rig, what: &str| rig.run.matrix.notices().iter().filter(|one| one.contains(what)).count();
    assert_eq!(told(&rig, "the history of 1 chat was not imported whole"), 1);
    rig.run.whatsapp.world.lock().unwrap().unreadable.clear();
    let account = rig.program.store.accounts().present().await.unwrap().remove(0).id;
    rig.program.desk.ask_history(account, HistoryDepth::All).await.unwrap();
    rig.settle().await;
    assert_eq!(rig.history().await.messages, 2);
    assert_eq!(told(&rig, "the history of all chats is imported"), 1);
}

/// Only what bears an old time because nobody knows its time is taken from the page after the import.
#[tokio::test]
async fn missed_message_without_time_is_found() {
    let mut rig = Rig::with_past(&[(0, "old", 9)], HistoryDepth::Days(90)).await;
    rig.settle().await;
    rig.met().await;
    let message = rig.run.whatsapp.message(0, "TIMELESS", "no time", Timestamp::ZERO);
    rig.run.whatsapp.event(PageEvent::Message(Box::new(message)));
    rig.settle().await;
    assert!(rig.texts().await.contains(&"no time".to_owned()));
}

impl Rig {
    /// Works until idle or killed; started anew then.
    async fn work_or_die(&mut self) {
        if self.run.work_until_killed(&mut self.program).await {
            self.start_killed_anew().await;
        }
    }
}
