//! Typing between rooms and WhatsApp.

use std::sync::Arc;
use std::time::Duration;

use crm::bridge::{AgentTyping, CustomerTyping, Progress, Worker};
use crm::domain::matrix::RoomTyping;
use crm::domain::{ChatId, ConversationId, MatrixRoomId};

use crate::bridge::Rig;

/// The two workers, which remember what they have told.
struct Showing {
    customers: CustomerTyping,
    agents: AgentTyping,
}

impl Showing {
    async fn of(rig: &Rig) -> Self {
        let core = &rig.program.core;
        let account = rig.messages().await[0].account_id;
        Self {
            customers: CustomerTyping::new(core.clone(), Arc::new(rig.run.matrix.clone())),
            agents: AgentTyping::new(core.clone(), account, Arc::new(rig.run.whatsapp.clone())),
        }
    }

    async fn work(&mut self, rig: &mut Rig) {
        rig.work().await;
        all(&mut self.customers).await;
        all(&mut self.agents).await;
    }
}

async fn all(worker: &mut impl Worker) {
    while worker.step().await.unwrap() == Progress::Worked {}
}

impl Rig {
    fn customer_types(&self, is_typing: bool) {
        let mut world = self.run.whatsapp.world.lock().unwrap();
        let chat = world.chats[0].id.clone();
        world.typing.push((chat, is_typing));
    }

    fn agents_type(&self, users: &[&str]) {
        let mut rooms = self.run.matrix.rooms.lock().unwrap();
        let room = rooms.rooms[0].1.clone();
        let users = users.iter().map(|&user| user.into()).collect();
        rooms.typing.push(RoomTyping { room, users });
    }

    /// Returns what the room showed, and what the customer saw.
    fn typed(&self) -> (Vec<bool>, Vec<bool>) {
        let room: Vec<(MatrixRoomId, _, bool)> = std::mem::take(&mut self.run.matrix.rooms.lock().unwrap().typed);
        assert!(room.iter().all(|(_, customer, _)| customer.is_some()));
        let phone: Vec<(ChatId, bool)> = std::mem::take(&mut self.run.whatsapp.world.lock().unwrap().typed);
        let states = (room.into_iter().map(|(.., on)| on), phone.into_iter().map(|(_, on)| on));
        (states.0.collect(), states.1.collect())
    }
}

#[tokio::test]
async fn customers_typing_is_shown_until_they_write() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let mut showing = Showing::of(&rig).await;
    rig.customer_types(true);
    showing.work(&mut rig).await;
    rig.customer_types(true);
    showing.work(&mut rig).await;
    assert_eq!(rig.typed(), (vec![true], vec![]));
    rig.run.whatsapp.customer_writes(0);
    showing.work(&mut rig).await;
    assert_eq!(rig.typed(), (vec![false], vec![]));
}

#[tokio::test]
async fn agents_typing_reaches_phone_strangers_does_not() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let mut showing = Showing::of(&rig).await;
    for users in [
        &["@stranger:test"][..],
        &["@stranger:test", "@ada:test"],
        &["@ada:test"],
        &[],
    ] {
        rig.agents_type(users);
        showing.work(&mut rig).await;
    }
    assert_eq!(rig.typed(), (vec![], vec![true, false]));
}

/// A program's agents type like those in rooms.
#[tokio::test]
async fn typing_of_client_reaches_phone() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let mut showing = Showing::of(&rig).await;
    let conversation = rig.messages().await[0].conversation_id;
    let desk = rig.program.desk.clone();
    for is_typing in [true, true, false] {
        desk.show_typing(conversation, is_typing).await.unwrap();
        showing.work(&mut rig).await;
    }
    assert_eq!(rig.typed(), (vec![], vec![true, false]));
    assert!(desk.show_typing(ConversationId(99), true).await.is_err());
}

/// It is no message: nothing waits for it, and it is not made up for.
#[tokio::test]
async fn typing_that_is_late_is_dropped() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let mut showing = Showing::of(&rig).await;
    rig.customer_types(true);
    rig.agents_type(&["@ada:test"]);
    rig.work().await;
    rig.run.clock.advance(Duration::from_secs(6));
    showing.work(&mut rig).await;
    rig.run.matrix.set_up(false);
    rig.customer_types(true);
    showing.work(&mut rig).await;
    rig.run.matrix.set_up(true);
    showing.work(&mut rig).await;
    assert_eq!(rig.typed(), (vec![], vec![]));
}
