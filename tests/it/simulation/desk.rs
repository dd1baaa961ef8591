//! A desk at work: messages for later, decisions about them, and answers under the guard, with the same crashes, doubled
//! events and jumping clocks. Nothing goes out that was held, nothing is held unseen, no answer crosses that was to be stopped.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crm::bridge::{Refusal, SendCommand, SendTo};
use crm::contract::{EventType, JournalEvent, MessageView, NoteView};
use crm::domain::conversation::ConversationStatus;
use crm::domain::internal::InternalKind;
use crm::domain::message::{Direction, Message, MessageState};
use crm::domain::pacing::WaitReason;
use crm::domain::{Clock as _, ConversationId, MatrixEventId, MessageId, Seq};
use crm::store::{ConversationFilter, Order, PageRequest, Standing};
use rand::RngExt;

use super::run::{CHATS, Program, Run};

/// How far back the newest message that an author has seen may lie, so that the guard stops some of them in each run.
const READ_UP_TO: usize = 5;

/// Acts of people at the desk in a life.
#[derive(Debug, Default)]
pub struct DeskLife {
    /// Messages for later.
    pub planned: Vec<MessageId>,
    /// Those of them about which a person has decided, or tried to before a crash.
    pub decided: HashSet<MessageId>,
    /// Messages under the guard, each with the newest message that its author had seen.
    pub guarded: Vec<(MessageId, MessageId)>,
    /// Commands in rooms, each with its text.
    pub commands: Vec<(MatrixEventId, String)>,
    /// Messages that the guard has stopped.
    pub stopped: usize,
}

impl DeskLife {
    /// Returns whether a message was planned.
    pub fn has_planned(&self, id: MessageId) -> bool {
        self.planned.contains(&id)
    }
}

impl Run {
    /// Turns a request into one of a desk: for later, or under the guard.
    pub async fn of_desk(&mut self, program: &Program, command: SendCommand) -> SendCommand {
        if self.rng.random_bool(0.4) {
            let ahead = Duration::from_secs(self.rng.random_range(2..2400));
            return SendCommand {
                send_at: Some(self.clock.now().plus(ahead)),
                ..command
            };
        }
        let seen_up_to = self.seen(program, &command.to).await;
        SendCommand { seen_up_to, ..command }
    }

    /// One of the newest messages of the recipient's conversation, if there are any.
    async fn seen(&mut self, program: &Program, to: &SendTo) -> Option<MessageId> {
        let SendTo::Phone(phone) = to else { return None };
        let identity = crm::domain::customer::Identity::phone(phone);
        let customer = program.store.customers().by_identity(&identity).await.unwrap()?;
        let of = program
            .store
            .conversations()
            .ids_of_customer(customer.id, None)
            .await
            .unwrap();
        let request = PageRequest {
            order: Order::Descending,
            ..PageRequest::first(READ_UP_TO as u64)
        };
        let newest = program.store.messages().page(*of.first()?, request).await.unwrap().data;
        let chosen = self.rng.random_range(0..READ_UP_TO).min(newest.len().checked_sub(1)?);
        Some(newest[chosen].id)
    }

    /// An agent writes a command in a room, if there is one.
    pub fn command(&mut self) {
        let room = self.rng.random_range(0..CHATS);
        let given = self.desk.as_ref().map_or(0, |desk| desk.commands.len());
        let body = match self.rng.random_range(0..6) {
            0..3 => format!("!note note {given}"),
            3 => "!assign".to_owned(),
            4 => "!assign nobody".to_owned(),
            _ => "!close".to_owned(),
        };
        let event = self.matrix.agent_writes(room, &body);
        if let Some(desk) = &mut self.desk {
            desk.commands.extend(event.map(|event| (event, body)));
        }
    }

    /// A person decides about a message for later, or lets a conversation sleep. Tells whether the program was killed in it.
    pub async fn decide(&mut self, program: &Program) -> bool {
        let planned = self.desk.as_ref().map(|desk| desk.planned.clone()).unwrap_or_default();
        if planned.is_empty() || self.rng.random_bool(0.2) {
            return self.snooze(program).await;
        }
        let id = planned[self.rng.random_range(0..planned.len())];
        if let Some(desk) = &mut self.desk {
            desk.decided.insert(id);
        }
        let at = self
            .clock
            .now()
            .plus(Duration::from_secs(self.rng.random_range(2..2400)));
        let author = self.next_request().author;
        let desk = &program.desk;
        let done = match self.rng.random_range(0..3) {
            0 => self.gate.watch(desk.release(id)).await,
            1 => self.gate.watch(desk.change_later(id, None, at, author)).await,
            _ => self.gate.watch(desk.cancel(id)).await,
        };
        match done {
            None => true,
            // It has gone out, or was cancelled before.
            Some(Ok(_) | Err(Refusal::Conflict(_))) => false,
            Some(Err(other)) => panic!("refused: {other}"),
        }
    }

    async fn snooze(&mut self, program: &Program) -> bool {
        let page = program
            .store
            .conversations()
            .page(PageRequest::first(1), ConversationFilter::default())
            .await;
        let Some(first) = page.unwrap().data.pop() else {
            return false;
        };
        let until = self
            .clock
            .now()
            .plus(Duration::from_secs(self.rng.random_range(1..600)));
        let standing = Standing {
            status: ConversationStatus::Snoozed,
            until: Some(until),
        };
        self.gate
            .watch(program.desk.set_standing(first.id, standing, None))
            .await
            .is_none()
    }
}

/// Checks that each command was carried out once or answered, and that none went out.
async fn check_commands(desk: &DeskLife, program: &Program, stored: &[Message], journal: &[JournalEvent]) {
    let mut notes: Vec<String> = vec![];
    for (event, body) in &desk.commands {
        let inside = program.store.internal_events().get(event).await.unwrap();
        let inside = inside.unwrap_or_else(|| panic!("{body} was not handled"));
        if let Some(text) = body.strip_prefix("!note ") {
            // One that reached us late is kept all the same.
            assert_eq!(inside.kind, InternalKind::Note, "{body}");
            notes.push(text.to_owned());
        }
    }
    let of_kind = |kind: EventType| journal.iter().filter(move |event| event.kind == kind);
    let mut created: Vec<String> = of_kind(EventType::NoteCreated)
        .map(|event| event.data.parse::<NoteView>().unwrap().content)
        .collect();
    created.sort();
    notes.sort();
    assert_eq!(created, notes, "each note once");
    let assignments = desk.commands.iter().filter(|(_, body)| body.starts_with("!assign"));
    assert!(of_kind(EventType::ConversationAssigned).count() <= assignments.count());
    let is_command = |message: &&Message| message.content.starts_with('!') || message.content.starts_with("note ");
    assert_eq!(stored.iter().find(is_command), None, "a command is no message");
}

/// Checks what the desk has done against the journal.
pub async fn check(run: &Run, program: &Program, stored: &[Message]) {
    let Some(desk) = &run.desk else { return };
    let journal = program.store.journal().after(Seq(0), 100_000).await.unwrap();
    check_commands(desk, program, stored, &journal).await;
    let told = Told::read(&journal);
    for id in &desk.planned {
        let message = stored
            .iter()
            .find(|message| message.id == *id)
            .expect("an accepted message is stored");
        let (accepted, handed_over) = told.span(message.id);
        let heard = told.heard(message.conversation_id, accepted, handed_over);
        let is_out = handed_over.is_some();
        let is_decided = desk.decided.contains(id);
        if !is_decided {
            assert!(
                !is_out || heard == 0,
                "sent although the customer wrote before: {message:?}"
            );
            assert!(!is_out || !told.was_held(*id), "sent although it was held: {message:?}");
        }
        match (message.state, message.waiting.map(|waiting| waiting.reason)) {
            (MessageState::Held, Some(WaitReason::CustomerWrote)) => {
                assert!(heard > 0, "held without a reason: {message:?}");
                assert!(told.was_held(*id), "held unseen: {message:?}");
            }
            (MessageState::Held, Some(WaitReason::Late)) => assert!(told.was_held(*id), "held unseen: {message:?}"),
            (MessageState::Held, other) => panic!("held because of {other:?}"),
            (MessageState::Scheduled, _) => {
                let until = message.waiting.unwrap().until;
                assert!(until > run.clock.now(), "its time has come: {message:?}");
                assert!(
                    is_decided || heard == 0,
                    "not held although the customer wrote: {message:?}"
                );
            }
            (MessageState::Failed, _) => assert!(is_decided, "nobody cancelled it: {message:?}"),
            (MessageState::Read | MessageState::Unknown, _) => {}
            (other, _) => panic!("not at rest: {other}"),
        }
        let of = program.store.scheduled().of(*id).await.unwrap();
        assert_eq!(
            of.is_some(),
            message.state.is_for_later(),
            "its row goes with it: {message:?}"
        );
    }
    for (id, seen) in &desk.guarded {
        let sent = stored.iter().find(|message| message.id == *id).unwrap();
        let at = told.accepted[id];
        let crossed = stored.iter().find(|other| {
            other.direction == Direction::Inbound
                && other.conversation_id == sent.conversation_id
                && other.id > *seen
                && told.accepted.get(&other.id).is_some_and(|seq| *seq < at)
        });
        assert!(
            crossed.is_none(),
            "an answer crossed that the guard was asked to stop: {sent:?} {crossed:?}"
        );
    }
    let page = program
        .store
        .conversations()
        .page(PageRequest::first(100), ConversationFilter::default())
        .await;
    for conversation in page.unwrap().data {
        let waits = |message: &&Message| message.conversation_id == conversation.id && message.state.is_for_later();
        let expected = i64::try_from(stored.iter().filter(waits).count()).unwrap();
        assert_eq!(conversation.scheduled_count, expected, "counted as it is");
        let is_due = conversation.snoozed_until.is_some_and(|until| until <= run.clock.now());
        assert!(!is_due, "a snooze that is over has ended");
    }
}

/// Facts of the journal, by message.
struct Told {
    /// First event of each message.
    accepted: HashMap<MessageId, Seq>,
    /// Event by which each message of ours was handed over.
    handed_over: HashMap<MessageId, Seq>,
    held: HashSet<MessageId>,
    received: Vec<(ConversationId, Seq)>,
}

impl Told {
    fn read(journal: &[JournalEvent]) -> Self {
        let mut told = Self {
            accepted: HashMap::new(),
            handed_over: HashMap::new(),
            held: HashSet::new(),
            received: vec![],
        };
        for event in journal
            .iter()
            .filter(|event| event.kind.as_str().starts_with("message."))
        {
            let message: MessageView = event.data.parse().unwrap();
            told.accepted.entry(message.id).or_insert(event.seq);
            match event.kind {
                EventType::MessageReceived => told.received.push((message.conversation_id, event.seq)),
                EventType::MessageHeld => {
                    told.held.insert(message.id);
                }
                EventType::MessageState if message.state == MessageState::Sending => {
                    told.handed_over.entry(message.id).or_insert(event.seq);
                }
                _ => {}
            }
        }
        told
    }

    /// When a message was accepted, and when handed over.
    fn span(&self, id: MessageId) -> (Seq, Option<Seq>) {
        (self.accepted[&id], self.handed_over.get(&id).copied())
    }

    /// How much the customer wrote in a conversation between two events.
    fn heard(&self, of: ConversationId, from: Seq, until: Option<Seq>) -> usize {
        let within = |seq: Seq| seq > from && until.is_none_or(|until| seq < until);
        let heard = self
            .received
            .iter()
            .filter(|(conversation, seq)| *conversation == of && within(*seq));
        heard.count()
    }

    fn was_held(&self, id: MessageId) -> bool {
        self.held.contains(&id)
    }
}
