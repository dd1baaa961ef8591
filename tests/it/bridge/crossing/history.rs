//! History in a new room of an application service.

use std::time::Duration;

use crm::domain::matrix::RoomContent;
use crm::domain::{MatrixRoomId, Timestamp};

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
