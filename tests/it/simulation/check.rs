//! What has to hold after every run, whatever was killed where: the invariants of `ARCHITECTURE.md`.

use std::collections::{BTreeMap, HashMap};

use crm::contract::{EventType, MessageView};
use crm::domain::card::Card;
use crm::domain::matrix::RoomContent;
use crm::domain::media::MediaState;
use crm::domain::message::{Direction, Message, MessageState, Origin};
use crm::domain::shown::SendOutcome;
use crm::domain::{MessageId, Seq, WaMessageId};
use crm::store::{ConversationFilter, MessageFilter, PageRequest};
use futures_util::TryStreamExt;

use super::desk;
use super::homeserver::{Shown, What};
use super::media::{medium_of, promised};
use super::run::{Program, Run};

/// What a run has seen, for the counts that the test prints.
#[derive(Debug, Default)]
pub struct Seen {
    pub inbound: usize,
    pub outbound: usize,
    pub unknown: usize,
    pub crashes: u32,
    pub planned: usize,
    pub held: usize,
    pub guarded: usize,
    pub stopped: usize,
}

impl Seen {
    pub fn add(&mut self, other: &Self) {
        self.inbound += other.inbound;
        self.outbound += other.outbound;
        self.unknown += other.unknown;
        self.crashes += other.crashes;
        self.planned += other.planned;
        self.held += other.held;
        self.guarded += other.guarded;
        self.stopped += other.stopped;
    }
}

pub async fn check(run: &Run, program: &Program) -> Seen {
    let stored: Vec<Message> = program
        .store
        .messages()
        .stream(MessageFilter::default())
        .try_collect()
        .await
        .unwrap();
    each_customers_message_is_stored_once_in_order(run, program, &stored).await;
    each_accepted_send_reaches_whatsapp_once_or_is_told(run, &stored);
    the_room_shows_each_message_once_in_order(run, program, &stored).await;
    the_journal_tells_each_change_once_in_order(run, program, &stored).await;
    each_medium_is_kept_as_promised(&stored);
    desk::check(run, program, &stored).await;
    assert!(
        program
            .store
            .outbox()
            .counts()
            .await
            .unwrap()
            .iter()
            .all(|count| count.waiting == 0),
        "work is left"
    );
    assert_eq!(program.store.quarantine().count().await.unwrap(), 0);
    Seen {
        inbound: stored
            .iter()
            .filter(|message| message.direction == Direction::Inbound)
            .count(),
        outbound: stored
            .iter()
            .filter(|message| message.direction == Direction::Outbound)
            .count(),
        unknown: stored
            .iter()
            .filter(|message| message.state == MessageState::Unknown)
            .count(),
        crashes: run.crashes,
        planned: run.desk.as_ref().map_or(0, |desk| desk.planned.len()),
        held: stored
            .iter()
            .filter(|message| message.state == MessageState::Held)
            .count(),
        guarded: run.desk.as_ref().map_or(0, |desk| desk.guarded.len()),
        stopped: run.desk.as_ref().map_or(0, |desk| desk.stopped),
    }
}

/// Invariant 2.
async fn each_customers_message_is_stored_once_in_order(run: &Run, program: &Program, stored: &[Message]) {
    let conversations = program
        .store
        .conversations()
        .page(PageRequest::first(100), ConversationFilter::default())
        .await
        .unwrap()
        .data;
    let world = run.whatsapp.world.lock().unwrap();
    for (n, written) in run.written.iter().enumerate() {
        let chat = &world.chats[n].id;
        let of_chat: Vec<_> = conversations
            .iter()
            .filter(|one| one.chat_id.as_ref() == Some(chat))
            .collect();
        assert!(of_chat.len() <= 1, "one conversation a chat");
        let held: Vec<_> = stored
            .iter()
            .filter(|message| message.direction == Direction::Inbound)
            .filter(|message| of_chat.iter().any(|one| one.id == message.conversation_id))
            .map(|message| message.whatsapp_id.clone().unwrap())
            .collect();
        assert_eq!(held, *written, "chat {n}: stored as written, once each, in order");
    }
}

/// Invariant 3, and rule 2 and 3.
fn each_accepted_send_reaches_whatsapp_once_or_is_told(run: &Run, stored: &[Message]) {
    let world = run.whatsapp.world.lock().unwrap();
    let mut taken: HashMap<&WaMessageId, usize> = HashMap::new();
    for id in &world.accepted {
        *taken.entry(id).or_default() += 1;
    }
    assert!(
        taken.values().all(|times| *times == 1),
        "the server took no stanza twice"
    );
    let by_id: BTreeMap<MessageId, &Message> = stored.iter().map(|message| (message.id, message)).collect();
    for (chat, id) in &run.accepted {
        let message = by_id.get(id).expect("an accepted message is stored");
        if message.state.is_for_later() {
            assert!(is_planned(run, message), "only what was planned waits");
            continue;
        }
        judge(message, &taken, &world);
        assert!(message.timestamp.0 > 0 && *chat < world.chats.len());
    }
    let ours = stored
        .iter()
        .filter(|message| message.direction == Direction::Outbound && !message.state.is_for_later());
    let mut sent = 0;
    for message in ours {
        judge(message, &taken, &world);
        assert_ne!(
            message.author.as_ref().unwrap().origin,
            Some(Origin::Phone),
            "nobody wrote on the phone"
        );
        sent += usize::from(message.ack.is_some());
    }
    assert_eq!(
        sent,
        world.accepted.len(),
        "everything that the server took is a message of ours"
    );
    order_is_kept(run, stored, &world);
}

/// Returns whether a message was planned: it goes at its time, and not in the order in which it was accepted.
fn is_planned(run: &Run, message: &Message) -> bool {
    run.desk.as_ref().is_some_and(|desk| desk.has_planned(message.id))
}

fn judge(message: &Message, taken: &HashMap<&WaMessageId, usize>, world: &super::world::World) {
    let was_taken = message.whatsapp_id.as_ref().is_some_and(|id| taken.contains_key(id));
    match message.state {
        MessageState::Read => {
            assert!(was_taken, "what is said to be read was sent");
            let known = world.acks[message.whatsapp_id.as_ref().unwrap()];
            assert_eq!(known, 3, "the row agrees with the server");
        }
        MessageState::Unknown => {
            assert!(world.logins > 1, "only a new login makes an outcome unknown");
            assert!(!was_taken, "what the page still shows is looked up, not given up");
        }
        MessageState::Failed => assert!(!was_taken, "what failed was not sent: {message:?}"),
        other => panic!("at rest a message of ours is read, unknown or failed, not {other}"),
    }
}

/// Per conversation, what left did so in the order in which it was accepted.
fn order_is_kept(run: &Run, stored: &[Message], world: &super::world::World) {
    let place: HashMap<_, _> = world
        .accepted
        .iter()
        .enumerate()
        .map(|(place, id)| (id, place))
        .collect();
    let mut last: HashMap<_, usize> = HashMap::new();
    let in_order = stored.iter().filter(|message| !is_planned(run, message));
    for message in in_order.filter(|message| message.ack.is_some()) {
        let place = place[message.whatsapp_id.as_ref().unwrap()];
        if let Some(before) = last.insert(message.conversation_id, place) {
            assert!(before < place, "order within a conversation");
        }
    }
}

/// Invariants 2 and 4 on the side of the rooms.
async fn the_room_shows_each_message_once_in_order(run: &Run, program: &Program, stored: &[Message]) {
    let log: Vec<Shown> = run.matrix.rooms.lock().unwrap().log.clone();
    let mut place = HashMap::new();
    for (at, shown) in log.iter().enumerate() {
        place.insert(shown.id.clone(), at);
    }
    let shown_by_bot = log.iter().filter(|shown| {
        matches!(
            &shown.what,
            What::Bot {
                content: RoomContent::Text { .. } | RoomContent::File { .. },
                ..
            }
        )
    });
    let shown_by_bot = shown_by_bot.count();
    let mut last: HashMap<_, usize> = HashMap::new();
    let mut expected = 0;
    for message in stored {
        let event = program.store.rooms().event(message.id, 0).await.unwrap();
        if event.is_none() && is_planned(run, message) && never_went(message) {
            continue;
        }
        let event = event.unwrap_or_else(|| panic!("every message is in its room, but not {message:?}"));
        let from_room = message
            .author
            .as_ref()
            .is_some_and(|author| author.origin == Some(Origin::Matrix));
        expected += usize::from(!from_room);
        if message.media.is_some() && !from_room {
            let late = program.store.rooms().event(message.id, 1).await.unwrap();
            expected += usize::from(late.is_some());
            shows_its_file(&log[place[late.as_ref().unwrap_or(&event)]], message);
        }
        if !from_room
            && !is_planned(run, message)
            && let Some(before) = last.insert(message.conversation_id, place[&event])
        {
            assert!(before < place[&event], "the room keeps the order");
        }
    }
    assert_eq!(shown_by_bot, expected, "each message is shown once");
    for event in &run.agents {
        let message = program.store.rooms().message_of_event(event).await.unwrap();
        let stale = log.iter().any(|shown| matches!(
            &shown.what,
            What::Bot { content: RoomContent::Notice { reply_to: Some(to), body }, .. } if to == event && body.starts_with("Not sent: ")
        ));
        assert!(
            message.is_some() != stale,
            "what an agent wrote is on its way, or answered: {event} (taken: {}, answered: {stale})",
            message.is_some()
        );
    }
    one_tick_a_message(run, stored, &log, program).await;
    one_card_a_room(run, &log, program).await;
}

/// A room with messages has one card, pinned, and it says what is stored of it.
async fn one_card_a_room(run: &Run, log: &[Shown], program: &Program) {
    let rooms = run.matrix.rooms.lock().unwrap().rooms.clone();
    for (alias, room) in rooms {
        let Some(stored) = program.store.cards().of_room(&room).await.unwrap() else {
            let has_message = log.iter().filter(|shown| shown.room == room).any(|shown| {
                matches!(
                    &shown.what,
                    What::Bot {
                        content: RoomContent::Text { .. } | RoomContent::File { .. },
                        ..
                    }
                )
            });
            assert!(!has_message, "no card in {alias} {room}");
            continue;
        };
        let cards: Vec<_> = log
            .iter()
            .filter(|shown| shown.room == room)
            .filter_map(|shown| match &shown.what {
                What::Bot {
                    content: RoomContent::Card { body, of },
                    ..
                } => Some((shown, body, of)),
                _ => None,
            })
            .collect();
        let made: Vec<_> = cards.iter().filter(|(_, _, of)| of.is_none()).collect();
        assert_eq!(made.len(), 1, "one card in {room}");
        assert_eq!(stored.event.as_ref(), Some(&made[0].0.id));
        assert!(
            stored.is_shown && Card::hash_of(cards.last().unwrap().1) == stored.hash,
            "{stored:?}"
        );
        let pinned = run.matrix.rooms.lock().unwrap().pinned[&room].clone();
        assert_eq!(stored.event.into_iter().collect::<Vec<_>>(), pinned);
    }
}

fn shows_its_file(shown: &Shown, message: &Message) {
    let What::Bot {
        content: RoomContent::File { file, .. },
        ..
    } = &shown.what
    else {
        panic!("the room shows the file of {message:?}, not {shown:?}");
    };
    let media = message.media.as_ref().unwrap();
    assert_eq!(
        (Some(file.size), Some(&file.name)),
        (media.size, media.filename.as_ref())
    );
}

/// Whether a message for later was never put into the outbox, or was taken back from there.
fn never_went(message: &Message) -> bool {
    message.whatsapp_id.is_none() && (message.state.is_for_later() || message.state == MessageState::Failed)
}

/// rule 20.
async fn one_tick_a_message(run: &Run, stored: &[Message], log: &[Shown], program: &Program) {
    for message in stored.iter().filter(|message| message.direction == Direction::Outbound) {
        if is_planned(run, message) && never_went(message) {
            continue;
        }
        let event = program.store.rooms().event(message.id, 0).await.unwrap().unwrap();
        let ticks: Vec<_> = log
            .iter()
            .filter(|shown| !shown.redacted)
            .filter_map(|shown| match &shown.what {
                What::Bot {
                    content: RoomContent::Reaction { to, key },
                    ..
                } if *to == event => Some(key.as_str()),
                _ => None,
            })
            .collect();
        let expected = match message.state {
            MessageState::Read => "✓✓ read",
            MessageState::Failed => "✗",
            MessageState::Unknown => "?",
            other => panic!("not at rest: {other}"),
        };
        assert_eq!(ticks, [expected], "one tick, and the true one, on {}", message.id);
        let told = log.iter().rev().find_map(|shown| match &shown.what {
            What::Bot {
                content: RoomContent::Status(status),
                ..
            } if status.of == event => Some(status.outcome),
            _ => None,
        });
        let is_agents = message.author.as_ref().and_then(|author| author.origin) == Some(Origin::Matrix);
        let expected = SendOutcome::of(message.state, message.failure.as_ref(), true).filter(|_| is_agents);
        assert_eq!(told, expected, "the client of {} knows how far it is", message.id);
    }
}

/// What carries a medium has it, with the bytes that were promised.
fn each_medium_is_kept_as_promised(stored: &[Message]) {
    for message in stored.iter().filter(|message| message.direction == Direction::Inbound) {
        let expected = message.whatsapp_id.as_ref().and_then(medium_of);
        let expected = expected.map(|bytes| (MediaState::Stored, promised(&bytes).sha256));
        let media = message.media.as_ref();
        assert_eq!(media.map(|media| (media.state, media.sha256.clone())), expected);
    }
}

/// Invariants 1 and 6.
async fn the_journal_tells_each_change_once_in_order(run: &Run, program: &Program, stored: &[Message]) {
    let journal = program.store.journal().after(Seq(0), 100_000).await.unwrap();
    let head = program.store.journal().range().await.unwrap().head;
    assert_eq!(journal.len(), usize::try_from(head.0).unwrap(), "no number is missing");
    let mut last: BTreeMap<MessageId, MessageView> = BTreeMap::new();
    let mut received: HashMap<MessageId, usize> = HashMap::new();
    for (n, event) in journal.iter().enumerate() {
        assert_eq!(event.seq.0, i64::try_from(n).unwrap() + 1, "in order");
        if matches!(
            event.kind,
            EventType::MessageReceived
                | EventType::MessageQueued
                | EventType::MessageState
                | EventType::MessageScheduled
                | EventType::MessageHeld
        ) {
            let message: MessageView = event.data.parse().unwrap();
            if event.kind != EventType::MessageState {
                *received.entry(message.id).or_default() += 1;
            }
            last.insert(message.id, message);
        }
    }
    for message in stored {
        if !is_planned(run, message) {
            assert_eq!(received.get(&message.id), Some(&1), "told once that it is there");
        }
        assert_eq!(
            last[&message.id].state, message.state,
            "the journal's last word is the row's"
        );
    }
}
