//! A homeserver as a fake behind the port: rooms with one log of events, transaction ids that it remembers for a while,
//! answers that get lost, and agents who write.

pub mod logins;
mod port;
mod refusing;
mod seen;
mod spaces;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crm::domain::details::Poll;
use crm::domain::matrix::{
    Matrix, MatrixError, MatrixState, MatrixStatus, Membership, ReadUpTo, RoomContent, RoomEvent, RoomEventKind,
    RoomTyping, SentFile, Speaker, TxnId,
};
use crm::domain::media::FileKind;
use crm::domain::{Clock, CustomerId, MatrixEventId, MatrixRoomId, MatrixUserId, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;

use super::clock::VirtualClock;
use super::gate::Gate;

/// For so long the homeserver knows a transaction id again.
const REMEMBERS: Duration = Duration::from_mins(45);

#[derive(Clone, Debug)]
pub struct Shown {
    pub id: MatrixEventId,
    pub room: MatrixRoomId,
    pub at: Timestamp,
    pub what: What,
    pub redacted: bool,
}

#[derive(Clone, Debug)]
pub enum What {
    Bot {
        speaker: Speaker,
        txn: TxnId,
        content: RoomContent,
    },
    Person {
        sender: MatrixUserId,
        what: RoomEventKind,
    },
    Receipt {
        user: MatrixUserId,
        event: MatrixEventId,
    },
}

/// Sends that the homeserver refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refuses {
    Nothing,
    Files,
    All,
}

pub struct Homeserver {
    pub log: Vec<Shown>,
    pub rooms: Vec<(String, MatrixRoomId)>,
    /// What rooms were last said to be about.
    pub topics: HashMap<MatrixRoomId, String>,
    txns: HashMap<TxnId, (MatrixEventId, Timestamp)>,
    status: watch::Sender<MatrixStatus>,
    rng: StdRng,
    lose_next: bool,
    /// Rooms that the bot was put out of, or that are no more.
    gone: HashSet<MatrixRoomId>,
    /// Users whom the last update of a room put out.
    excluded: HashMap<MatrixRoomId, Vec<MatrixUserId>>,
    /// Users whom the last update of a room invited.
    invited: HashMap<MatrixRoomId, Vec<MatrixUserId>>,
    /// Roots of the threads in which events were written.
    threads: HashMap<MatrixEventId, MatrixEventId>,
    /// Pinned events of rooms.
    pub pinned: HashMap<MatrixRoomId, Vec<MatrixEventId>>,
    /// Sends that are refused.
    pub refuses: Refuses,
    /// Events that the homeserver has lost.
    lost: HashSet<MatrixEventId>,
    /// How much stood in the log of a room when somebody was invited into it first.
    pub invited_after: HashMap<MatrixRoomId, usize>,
    /// People who type, until it is told.
    pub typing: Vec<RoomTyping>,
    /// Typing of customers as it was shown.
    pub typed: Vec<(MatrixRoomId, Option<CustomerId>, bool)>,
    /// Whether customers have users of their own.
    pub has_ghosts: bool,
    /// Sub-spaces, which are there if customers have users of their own.
    pub spaces: spaces::Spaces,
    /// Chances out of 100 that an answer is lost or the homeserver does not answer.
    pub faults: u32,
    /// Events that can be read back; what is older is cut off.
    pub read_back: usize,
}

#[derive(Clone)]
pub struct FakeMatrix {
    pub rooms: Arc<Mutex<Homeserver>>,
    clock: VirtualClock,
    gate: Gate,
}

pub fn agent() -> MatrixUserId {
    MatrixUserId::from("@ada:test")
}

impl FakeMatrix {
    pub fn new(seed: u64, clock: VirtualClock, gate: Gate) -> Self {
        let status = MatrixStatus {
            state: MatrixState::Ready,
            detail: None,
            user: Some("@bot:test".into()),
        };
        let rooms = Homeserver {
            log: vec![],
            rooms: vec![],
            topics: HashMap::new(),
            txns: HashMap::new(),
            status: watch::Sender::new(status),
            rng: StdRng::seed_from_u64(seed),
            lose_next: false,
            gone: HashSet::new(),
            excluded: HashMap::new(),
            invited: HashMap::new(),
            threads: HashMap::new(),
            pinned: HashMap::new(),
            refuses: Refuses::Nothing,
            lost: HashSet::new(),
            invited_after: HashMap::new(),
            typing: vec![],
            typed: vec![],
            has_ghosts: false,
            spaces: spaces::Spaces::default(),
            faults: 8,
            read_back: usize::MAX,
        };
        Self {
            rooms: Arc::new(Mutex::new(rooms)),
            clock,
            gate,
        }
    }

    pub fn set_up(&self, up: bool) {
        let state = if up {
            MatrixState::Ready
        } else {
            MatrixState::Unreachable
        };
        self.rooms
            .lock()
            .unwrap()
            .status
            .send_modify(|status| status.state = state);
    }

    /// An agent writes in the `n`th room, if there is one.
    pub fn agent_writes(&self, n: usize, body: &str) -> Option<MatrixEventId> {
        let what = RoomEventKind::Text {
            body: body.to_owned(),
            reply_to: None,
        };
        self.agent_does(n, what)
    }

    /// An agent sends a document in the `n`th room, if there is one; its bytes and its caption are `body`.
    pub fn agent_sends_file(&self, n: usize, body: &str) -> Option<MatrixEventId> {
        let file = SentFile {
            source: body.to_owned(),
            name: Some("agent.txt".to_owned()),
            mimetype: Some("text/plain".to_owned()),
            caption: Some(body.to_owned()),
            kind: FileKind::Document,
        };
        let what = RoomEventKind::File {
            file: Box::new(file),
            reply_to: None,
        };
        self.agent_does(n, what)
    }

    /// An agent reads all that is in the `n`th room, if there is one.
    pub fn agent_looks(&self, n: usize) {
        let newest = self.newest_in(n, |what| !matches!(what, What::Receipt { .. }));
        if let Some(event) = newest {
            self.reads(agent().as_str(), &event);
        }
    }

    /// An agent reacts to the newest that the bot has said for itself in the `n`th room.
    pub fn agent_reacts(&self, n: usize, key: &str) {
        let is_said = |what: &What| {
            let What::Bot { content, .. } = what else { return false };
            matches!(content, RoomContent::Notice { .. } | RoomContent::Card { of: None, .. })
        };
        if let Some(of) = self.newest_in(n, is_said) {
            let key = key.to_owned();
            self.agent_does(n, RoomEventKind::Reaction { of, key });
        }
    }

    fn newest_in(&self, n: usize, is: impl Fn(&What) -> bool) -> Option<MatrixEventId> {
        let rooms = self.rooms.lock().unwrap();
        let room = rooms.of_customers(n)?;
        let mut events = rooms.log.iter().rev().filter(|shown| shown.room == room);
        events.find(|shown| is(&shown.what)).map(|shown| shown.id.clone())
    }

    fn agent_does(&self, n: usize, what: RoomEventKind) -> Option<MatrixEventId> {
        let mut rooms = self.rooms.lock().unwrap();
        let room = rooms.of_customers(n)?;
        Some(rooms.append(room, self.clock.now(), What::Person { sender: agent(), what }))
    }

    /// Something happens in the first customer's room.
    pub fn happens(&self, sender: &str, what: RoomEventKind, at: Timestamp) -> MatrixEventId {
        let mut rooms = self.rooms.lock().unwrap();
        let room = rooms.rooms.first().expect("a room").1.clone();
        rooms.append(
            room,
            at,
            What::Person {
                sender: sender.into(),
                what,
            },
        )
    }

    /// Something happens in a thread in the first customer's room.
    pub fn happens_in_thread(&self, sender: &str, thread: &MatrixEventId, what: RoomEventKind) -> MatrixEventId {
        let mut rooms = self.rooms.lock().unwrap();
        let room = rooms.rooms.first().expect("a room").1.clone();
        let sender = sender.into();
        let event = rooms.append(room, self.clock.now(), What::Person { sender, what });
        rooms.threads.insert(event.clone(), thread.clone());
        event
    }

    /// The homeserver brings an event again, after all others.
    pub fn repeats(&self, event: &MatrixEventId) {
        let mut rooms = self.rooms.lock().unwrap();
        let shown = rooms.log.iter().find(|shown| shown.id == *event).cloned();
        rooms.log.push(shown.expect("an event that exists"));
    }

    /// Whether an event was redacted.
    pub fn is_redacted(&self, event: &MatrixEventId) -> bool {
        let rooms = self.rooms.lock().unwrap();
        rooms.log.iter().any(|shown| shown.id == *event && shown.redacted)
    }

    /// The key of an undecryptable event arrives.
    pub fn decrypts(&self, event: &MatrixEventId, body: &str) {
        let mut rooms = self.rooms.lock().unwrap();
        let shown = rooms.log.iter_mut().find(|shown| shown.id == *event);
        if let What::Person { what, .. } = &mut shown.expect("an event that exists").what {
            *what = RoomEventKind::Text {
                body: body.to_owned(),
                reply_to: None,
            };
        }
    }

    /// A person reads up to an event.
    pub fn reads(&self, user: &str, event: &MatrixEventId) {
        let mut rooms = self.rooms.lock().unwrap();
        let read = rooms.log.iter().find(|shown| shown.id == *event);
        let room = read.expect("an event that exists").room.clone();
        let what = What::Receipt {
            user: user.into(),
            event: event.clone(),
        };
        rooms.append(room, self.clock.now(), what);
    }

    /// The newest event that the bot has sent of which this holds.
    pub fn newest(&self, is: impl Fn(&RoomContent) -> bool) -> MatrixEventId {
        let rooms = self.rooms.lock().unwrap();
        let mut sent = rooms.log.iter().rev();
        let newest = sent.find(|shown| matches!(&shown.what, What::Bot { content, .. } if is(content)));
        newest.expect("such an event").id.clone()
    }

    /// The newest notice that begins with this.
    pub fn newest_notice(&self, begins: &str) -> MatrixEventId {
        self.newest(|content| matches!(content, RoomContent::Notice { body, .. } if body.starts_with(begins)))
    }

    /// The room of a customer, the last that was made.
    pub fn room(&self) -> MatrixRoomId {
        self.rooms.lock().unwrap().rooms.last().expect("a room").1.clone()
    }

    /// Returns the users whom the last update of a room put out.
    pub fn excluded(&self, room: &MatrixRoomId) -> Vec<MatrixUserId> {
        self.rooms
            .lock()
            .unwrap()
            .excluded
            .get(room)
            .cloned()
            .unwrap_or_default()
    }

    /// Returns the users whom the last update of a room invited.
    pub fn invited(&self, room: &MatrixRoomId) -> Vec<MatrixUserId> {
        let rooms = self.rooms.lock().unwrap();
        rooms.invited.get(room).cloned().unwrap_or_default()
    }

    /// The newest room whose alias ends like this.
    pub fn room_called(&self, ends: &str) -> Option<MatrixRoomId> {
        let rooms = self.rooms.lock().unwrap();
        let mut called = rooms.rooms.iter().rev().filter(|(alias, _)| alias.ends_with(ends));
        called.next().map(|(_, room)| room.clone())
    }

    /// Something happens in a room.
    pub fn happens_in(&self, room: &MatrixRoomId, sender: &str, what: RoomEventKind) -> MatrixEventId {
        let what = What::Person {
            sender: sender.into(),
            what,
        };
        self.rooms.lock().unwrap().append(room.clone(), self.clock.now(), what)
    }

    /// The room is no more, and nobody says so: it answers as gone from now on.
    pub fn purge(&self, room: &MatrixRoomId) {
        self.rooms.lock().unwrap().gone.insert(room.clone());
    }

    /// Somebody puts the bot out of a room.
    pub fn put_out(&self, room: &MatrixRoomId) {
        self.purge(room);
        let bot = self.status().borrow().user.clone().expect("a user");
        let what = RoomEventKind::Member {
            user: bot,
            membership: Membership::Leave,
        };
        let what = What::Person { sender: agent(), what };
        self.rooms.lock().unwrap().append(room.clone(), self.clock.now(), what);
    }

    /// The next send takes effect, and its answer is lost.
    pub fn lose_next_answer_of_a_send(&self) {
        self.rooms.lock().unwrap().lose_next = true;
    }

    /// Passes a crash point; the homeserver may not answer.
    async fn enter(&self) -> Result<(), MatrixError> {
        self.gate.pass().await;
        if self.rooms.lock().unwrap().is_away() {
            Err(away())
        } else {
            Ok(())
        }
    }

    /// As [`Self::enter`], for a call about a room.
    async fn enter_room(&self, room: &MatrixRoomId) -> Result<(), MatrixError> {
        self.enter().await?;
        if self.rooms.lock().unwrap().gone.contains(room) {
            return Err(MatrixError::RoomGone(format!("we are no longer in {room}")));
        }
        Ok(())
    }

    /// Passes a crash point after the effect; the answer may be lost.
    async fn leave<T>(&self, answer: T) -> Result<T, MatrixError> {
        self.gate.pass().await;
        if self.rooms.lock().unwrap().loses() {
            Err(away())
        } else {
            Ok(answer)
        }
    }
}

/// As the bot puts it before the words.
fn name(speaker: &Speaker) -> String {
    match speaker {
        Speaker::Customer { name, .. } | Speaker::Named { name } => name.clone(),
        ours => ours.label().unwrap_or_default(),
    }
}

fn away() -> MatrixError {
    MatrixError::Unreachable {
        why: "no answer".into(),
        retry_after: None,
    }
}

/// How far a person has read, where that is what happened.
fn receipt(shown: &Shown) -> Option<ReadUpTo> {
    let What::Receipt { user, event } = &shown.what else {
        return None;
    };
    Some(ReadUpTo {
        room: shown.room.clone(),
        user: user.clone(),
        event: event.clone(),
    })
}

impl Homeserver {
    /// The `n`th room of a customer, if there is any. What is written in the owner's room of troubles is for none.
    fn of_customers(&self, n: usize) -> Option<MatrixRoomId> {
        // What is written in the rooms of the owner and of the managers is for no customer.
        let is_inside = |alias: &str| ["trouble", "management"].iter().any(|room| alias.ends_with(room));
        let rooms = self.rooms.iter().filter(|(alias, _)| !is_inside(alias));
        let rooms: Vec<_> = rooms.map(|(_, room)| room.clone()).collect();
        rooms.get(n % rooms.len().max(1)).cloned()
    }

    /// What the desk is told of an event: not of its own.
    fn told(&self, shown: &Shown) -> Option<RoomEvent> {
        matches!(shown.what, What::Person { .. })
            .then(|| self.event(shown))
            .flatten()
    }

    /// An event as it is asked for; `None` for what is none.
    fn event(&self, shown: &Shown) -> Option<RoomEvent> {
        let (sender, what) = match &shown.what {
            What::Person { sender, what } => (sender.clone(), what.clone()),
            What::Bot { content, .. } => {
                let what = match content {
                    RoomContent::Text { body, reply_to, .. } => RoomEventKind::Text {
                        body: body.clone(),
                        reply_to: reply_to.clone(),
                    },
                    RoomContent::Notice { .. } | RoomContent::Card { .. } => RoomEventKind::Notice,
                    RoomContent::Poll { poll, .. } => RoomEventKind::Poll {
                        poll: Box::new(Poll {
                            question: poll.question.clone(),
                            options: poll.options.clone(),
                            selectable: poll.selectable,
                            votes: vec![],
                            ids: vec![],
                        }),
                        reply_to: None,
                    },
                    _ => RoomEventKind::Other,
                };
                (self.status.borrow().user.clone()?, what)
            }
            What::Receipt { .. } => return None,
        };
        Some(RoomEvent {
            room: shown.room.clone(),
            id: shown.id.clone(),
            sender,
            at: shown.at,
            thread: self.threads.get(&shown.id).cloned(),
            what,
        })
    }

    fn invite(&mut self, room: &MatrixRoomId, users: &[MatrixUserId]) {
        let before = self.log.iter().filter(|shown| shown.room == *room).count();
        if !users.is_empty() {
            self.invited_after.entry(room.clone()).or_insert(before);
        }
    }

    fn is_away(&mut self) -> bool {
        self.status.borrow().state != MatrixState::Ready || self.loses()
    }

    fn loses(&mut self) -> bool {
        let faults = self.faults;
        self.rng.random_range(0..100) < faults
    }

    fn append(&mut self, room: MatrixRoomId, at: Timestamp, what: What) -> MatrixEventId {
        let id = MatrixEventId(format!("${}", self.log.len()));
        self.log.push(Shown {
            id: id.clone(),
            room,
            at,
            what,
            redacted: false,
        });
        id
    }
}
