//! The rules at the edges, on the bridge with both ports faked: each test fails when its defence is taken out.

mod accounts;
mod again;
mod agents;
mod changes;
mod commands;
mod corrections;
mod crossing;
mod faults;
mod gap;
mod gone_rooms;
mod history;
mod inbound;
mod kinds;
mod later;
mod linking;
mod management;
mod media;
mod odd_chats;
mod outbound;
mod pace;
mod people;
mod redactions;
mod rooms;
mod server;
mod servers;

use std::time::Duration;

use crm::bridge::{Answered, Progress, SendCommand, SendTo};
use crm::contract::EventType;
use crm::domain::Seq;
use crm::domain::message::{Author, Message, Origin};
use crm::store::MessageFilter;
use futures_util::TryStreamExt;
use serde_json::Value;

use crate::simulation::run::{Program, Run};
use crate::simulation::setup::empty_database;

/// A desk without faults, its first customer met and in a room.
struct Rig {
    run: Run,
    program: Program,
    // Removed last.
    folder: tempfile::TempDir,
}

impl Rig {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With another policy.
    async fn with(change: impl FnOnce(&mut Run)) -> Self {
        let mut rig = Self::begin(change).await;
        rig.work().await;
        rig
    }

    /// Where no worker has worked yet.
    async fn begin(change: impl FnOnce(&mut Run)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let empty = empty_database(folder.path()).await;
        let mut run = Run::new(1, &empty, folder.path());
        run.whatsapp.world.lock().unwrap().faults = 0;
        run.matrix.rooms.lock().unwrap().faults = 0;
        run.policy.spacing = Duration::ZERO..=Duration::ZERO;
        change(&mut run);
        let program = run.start().await;
        Self { run, program, folder }
    }

    /// The first customer writes, and has a room.
    async fn met(&mut self) {
        self.run.whatsapp.customer_writes(0);
        self.settle().await;
    }

    async fn work(&mut self) {
        self.run.work(&mut self.program).await;
    }

    async fn settle(&mut self) {
        self.run.settle(&mut self.program).await;
    }

    /// Takes in what happened outside, and sends nothing.
    async fn take_in_rooms(&mut self) {
        for worker in [0, 3] {
            while self.run.step(&mut self.program, worker).await == Some(Progress::Worked) {}
        }
    }

    /// Works for as long as anything might be tried again.
    async fn patience(&mut self) {
        for _ in 0..40 {
            self.work().await;
            self.run.clock.advance(Duration::from_mins(2));
        }
        self.work().await;
    }

    /// Lets the cards of the rooms change once more: they do once a minute.
    async fn let_cards_change(&mut self) {
        self.run.clock.advance(Duration::from_secs(61));
        self.settle().await;
    }

    /// Ends the program and starts it on a database into which a backup was read.
    async fn restore(&mut self, backup: &[u8]) {
        self.program.store.clone().close().await;
        self.program = self.run.restore(backup).await;
    }

    /// Ends the program and starts it again.
    async fn restart(&mut self) {
        self.program.store.clone().close().await;
        self.program = self.run.start().await;
    }

    /// Starts the program again that was killed.
    async fn start_killed_anew(&mut self) {
        self.program.store.clone().abandon().await;
        let killed = std::mem::replace(&mut self.program, self.run.start().await);
        self.run.bury(killed).await;
    }

    /// Works until idle, through the kill that comes after so many calls to the outside. Returns whether it came.
    async fn work_killed_after(&mut self, calls: u32) -> bool {
        self.run.gate.crash_after(calls);
        let mut crashed = false;
        while self.run.work_until_killed(&mut self.program).await {
            crashed = true;
            self.start_killed_anew().await;
        }
        self.run.gate.disarm();
        crashed
    }

    /// A person lets a parked outbox go.
    async fn let_go(&self) {
        self.program.desk.resume_outbox().await.unwrap();
    }

    /// What nobody has read in the only conversation.
    async fn unread(&self) -> i64 {
        let id = self.messages().await[0].conversation_id;
        self.program
            .store
            .conversations()
            .get(id)
            .await
            .unwrap()
            .unwrap()
            .unread_count
    }

    /// How much work waits, on both sides.
    async fn waiting(&self) -> u64 {
        let counts = self.program.store.outbox().counts().await.unwrap();
        counts.iter().map(|count| count.waiting).sum()
    }

    async fn messages(&self) -> Vec<Message> {
        self.program
            .store
            .messages()
            .stream(MessageFilter::default())
            .try_collect()
            .await
            .unwrap()
    }

    /// What the journal tells of these events.
    async fn events(&self, kind: EventType) -> Vec<Value> {
        let journal = self.program.store.journal().after(Seq(0), 100_000).await.unwrap();
        let of_kind = journal.into_iter().filter(|event| event.kind == kind);
        of_kind.map(|event| event.data.parse().unwrap()).collect()
    }

    async fn message(&self, content: &str) -> Message {
        let messages = self.messages().await;
        messages
            .into_iter()
            .find(|message| message.content == content)
            .unwrap_or_else(|| panic!("no message {content:?}"))
    }

    /// A text from the shell to the customer of a chat.
    async fn send(&self, chat: usize, content: &str) -> Message {
        let phone = self.run.whatsapp.world.lock().unwrap().chats[chat].phone.clone();
        self.send_to(SendTo::Phone(phone), content).await
    }

    async fn send_to(&self, to: SendTo, content: &str) -> Message {
        let command = SendCommand::of(to, content, owner());
        match self.program.desk.send(command).await.unwrap() {
            Answered::New(message) => message,
            Answered::Replayed(answer) => panic!("replayed: {answer:?}"),
        }
    }
}

/// The author of what is sent from the shell.
pub fn owner() -> Author {
    Author {
        origin: Some(Origin::Shell),
        name: "owner".into(),
    }
}
