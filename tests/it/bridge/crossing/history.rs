//! History in a new room of an application service.

use std::time::Duration;

use crm::domain::history::HistoryDepth;
use crm::domain::matrix::RoomContent;
use crm::domain::whatsapp::{PageEvent, WaMessage};
use crm::domain::{Clock as _, MatrixRoomId, Timestamp};

use crate::bridge::Rig;
use crate::simulation::homeserver::What;

impl Rig {
    /// The texts in a room, with their times.
    fn said_in(&self, room: &MatrixRoomId) -> Vec<(String, Timestamp)> {
        let rooms = self.run.matrix.rooms.lock().unwrap();
        let here = rooms.log.iter().filter(|shown| shown.room == *room);
        let texts = here.filter_map(|shown| match &shown.what {
            What::Bot {
                content: RoomContent::Text { body, .. },
                ..
            } => Some((body.clone(), shown.at)),
            _ => None,
        });
        texts.collect()
    }

    /// A customer and the shell have written, and their room is gone. Returns when they wrote.
    async fn talked_in_lost_room(&mut self) -> Vec<Timestamp> {
        self.met().await;
        self.shows("X1", "three cakes").await;
        self.send(0, "from the shell").await;
        self.settle().await;
        let messages = self.messages().await;
        self.run.matrix.put_out(&self.run.matrix.room());
        self.settle().await;
        self.run.clock.advance(Duration::from_hours(1));
        messages.iter().map(|message| message.timestamp).collect()
    }

    /// The customer deletes a message for everyone.
    async fn customer_deletes(&mut self, told: &WaMessage) {
        self.run.whatsapp.event(PageEvent::Deleted {
            target: told.key(),
            at: self.run.clock.now(),
            by: None,
        });
        self.settle().await;
    }

    /// The words that stand in the present room.
    fn standing_words(&self) -> Vec<String> {
        let room = self.run.matrix.room();
        let rooms = self.run.matrix.rooms.lock().unwrap();
        let here = rooms.log.iter().filter(|shown| shown.room == room && !shown.redacted);
        let texts = here.filter_map(|shown| match &shown.what {
            What::Bot {
                content: RoomContent::Text { body, .. },
                ..
            } => Some(body.clone()),
            _ => None,
        });
        texts.collect()
    }
}

#[tokio::test]
async fn new_room_begins_with_history_at_its_time() {
    let mut rig = Rig::with(|run| run.matrix.rooms.lock().unwrap().has_ghosts = true).await;
    let times = rig.talked_in_lost_room().await;
    rig.shows("X2", "and a loaf").await;
    let room = rig.run.matrix.room();
    let said = rig.said_in(&room);
    let words: Vec<&str> = said.iter().map(|(words, _)| words.as_str()).skip(1).collect();
    assert_eq!(words, ["three cakes", "from the shell", "and a loaf"]);
    let told: Vec<Timestamp> = said.iter().map(|(_, at)| *at).take(times.len()).collect();
    assert_eq!(told, times);
    assert_eq!(
        rig.run.matrix.rooms.lock().unwrap().invited_after[&room],
        times.len(),
        "agents come after the history and before what is new"
    );
    // What the new room showed can be answered there.
    rig.shows("X3", "thanks").await;
    assert_eq!(rig.said_in(&room).len(), times.len() + 2);
}

/// Whatever answer is lost, each message is there once.
#[tokio::test]
async fn history_is_shown_once_over_lost_answers() {
    let mut rig = Rig::with(|run| run.matrix.rooms.lock().unwrap().has_ghosts = true).await;
    rig.talked_in_lost_room().await;
    rig.run.matrix.rooms.lock().unwrap().faults = 40;
    rig.run.whatsapp.customer_writes(0);
    for _ in 0..30 {
        rig.work().await;
        rig.run.clock.advance(Duration::from_secs(20));
        rig.restart().await;
    }
    rig.run.matrix.rooms.lock().unwrap().faults = 0;
    rig.settle().await;
    let said = rig.said_in(&rig.run.matrix.room());
    let mut words: Vec<&String> = said.iter().map(|(words, _)| words).collect();
    assert_eq!(words.len(), 4, "{words:?}");
    words.sort();
    words.dedup();
    assert_eq!(words.len(), 4, "{words:?}");
}

/// A bot cannot write in the past: its rooms begin with what is new.
#[tokio::test]
async fn new_room_of_bot_has_no_history() {
    let mut rig = Rig::new().await;
    rig.talked_in_lost_room().await;
    rig.shows("X2", "and a loaf").await;
    let said = rig.said_in(&rig.run.matrix.room());
    assert!(matches!(&said[..], [(words, _)] if words == "and a loaf"), "{said:?}");
}

#[tokio::test]
async fn history_shows_no_hidden_number() {
    let mut rig = Rig::with(|run| {
        run.matrix.rooms.lock().unwrap().has_ghosts = true;
        run.policy.hide_numbers = true;
    })
    .await;
    let number = rig.run.whatsapp.world.lock().unwrap().chats[0].phone.to_string();
    for (id, words) in [("X1", "three cakes"), ("X2", "and a loaf")] {
        let mut told = rig.run.whatsapp.message(0, id, words, rig.run.clock.now());
        told.contact.push_name = None;
        told.contact.saved_name = None;
        rig.run.whatsapp.event(PageEvent::Message(Box::new(told)));
        rig.settle().await;
        if id == "X1" {
            rig.run.matrix.put_out(&rig.run.matrix.room());
            rig.settle().await;
        }
    }
    assert_eq!(rig.said_in(&rig.run.matrix.room()).len(), 2, "the first is history");
    let shown = rig.run.matrix.texts();
    assert!(shown.iter().all(|shown| !shown.contains(&number)), "{shown:?}");
}

#[tokio::test]
async fn history_leaves_out_what_was_not_sent() {
    let mut rig = Rig::with(|run| run.matrix.rooms.lock().unwrap().has_ghosts = true).await;
    rig.met().await;
    rig.send(0, "never mind").await;
    let id = rig.message("never mind").await.id;
    rig.program.desk.cancel(id).await.unwrap();
    rig.settle().await;
    rig.run.matrix.put_out(&rig.run.matrix.room());
    rig.settle().await;
    rig.shows("X2", "and a loaf").await;
    let said = rig.standing_words();
    assert!(said.iter().all(|words| !words.contains("never mind")), "{said:?}");
    assert_eq!(said.last().map(String::as_str), Some("and a loaf"));
}

/// What the old room showed of a message cannot be changed from the next one, and holds nothing up there.
#[tokio::test]
async fn change_of_history_touches_no_event_of_lost_room() {
    let mut rig = Rig::with(|run| run.matrix.rooms.lock().unwrap().has_ghosts = true).await;
    rig.met().await;
    let (told, _) = rig.shows("X1", "three cakes").await;
    rig.run.whatsapp.event(PageEvent::Edited {
        target: told.key(),
        content: "four cakes".into(),
        at: rig.run.clock.now(),
    });
    rig.customer_reacts(&told, "👍");
    rig.settle().await;
    rig.run.matrix.put_out(&rig.run.matrix.room());
    rig.settle().await;
    rig.shows("X2", "and a loaf").await;
    assert!(rig.standing_words().contains(&"four cakes".to_owned()));
    rig.customer_deletes(&told).await;
    assert!(!rig.standing_words().contains(&"four cakes".to_owned()));
    rig.let_cards_change().await;
    assert_eq!(rig.waiting().await, 0, "nothing is tried again");
}

/// Imported history is silent, but for what a room shows of it.
#[tokio::test]
async fn imported_message_leaves_its_room_when_deleted() {
    let mut rig = Rig::begin(|run| {
        run.matrix.rooms.lock().unwrap().has_ghosts = true;
        run.policy.history = HistoryDepth::Days(90);
        let at = Timestamp(run.clock.now().minus(Duration::from_hours(10)).0 / 1000 * 1000);
        run.whatsapp.stood_before(0, "OLD1", "long ago", at);
    })
    .await;
    rig.work().await;
    rig.settle().await;
    rig.shows("X1", "hello again").await;
    assert!(rig.standing_words().contains(&"long ago".to_owned()));
    let old = rig.run.whatsapp.message(0, "OLD1", "long ago", rig.run.clock.now());
    rig.customer_deletes(&old).await;
    assert!(!rig.standing_words().contains(&"long ago".to_owned()));
}
