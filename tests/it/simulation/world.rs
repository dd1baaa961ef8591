//! WhatsApp as a fake behind the port: customers with phones, a server that takes stanzas, and a page that can be
//! reloaded, cut off and linked anew. What the server took is logged before the phone removes doubles.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use crm::domain::account::Binding;
use crm::domain::conversation::ChatKind;
use crm::domain::customer::{Identity, PhoneNumber};
use crm::domain::message::Kind;
use crm::domain::session::{Me, PageStatus, Session, SessionEvent, SessionState};
use crm::domain::whatsapp::{MessageChange, MessageRef, PageEvent, Unreachable, WaMessage};
use crm::domain::{ChatId, Clock, Timestamp, WaMessageId, WaUserId};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use tokio::sync::{oneshot, watch};

use super::clock::VirtualClock;
use super::gate::Gate;
use super::media::{medium_of, promised};
use super::people::contact;
use super::whatsapp::by_customer;

/// The number and the LID of the account's own phone.
pub const OWN_PHONE: &str = "+447700900999";
pub const OWN_LID: &str = "88000999";

#[derive(Clone, Debug)]
pub struct Told {
    pub id: WaMessageId,
    pub from_me: bool,
    pub text: String,
    pub at: Timestamp,
    pub ack: i32,
}

pub struct Chat {
    pub id: ChatId,
    pub phone: PhoneNumber,
    /// What else WhatsApp tells of the person behind the number, such as their LID.
    pub also: Vec<Identity>,
    /// What the page holds, in its order.
    pub on_page: Vec<Told>,
    /// What the customer wrote while the page was away.
    waiting: Vec<Told>,
    /// What the customer's phone shows of ours, doubles removed.
    pub phone_shows: Vec<WaMessageId>,
}

pub struct World {
    pub chats: Vec<Chat>,
    /// Every stanza that the server took, before the phone removes doubles.
    pub accepted: Vec<WaMessageId>,
    /// Final acks as the server knows them.
    pub acks: BTreeMap<WaMessageId, i32>,
    /// How often each message was linked anew while it was in flight.
    pub logins: u32,
    pub(super) rng: StdRng,
    pub(super) session: watch::Sender<Session>,
    pub(super) bound: Option<Binding>,
    pub(super) epoch: u32,
    pub(super) online: bool,
    pub(super) linked: bool,
    seq: u64,
    pub(super) queue: VecDeque<(u64, PageEvent)>,
    past: Vec<PageEvent>,
    /// Messages whose events the page was told to forget.
    pub forgotten: Vec<WaMessageId>,
    pub(super) made: u32,
    /// WhatsApp's own time, which nobody here can set back.
    latest: Timestamp,
    /// What was asked of the page, in order: `read CHAT`, `type CHAT`, `send ID`.
    pub calls: Vec<String>,
    /// The most messages that one call asked for.
    pub most_read: usize,
    /// People who type, until the page is asked; and what customers were shown of agents who do.
    pub typing: Vec<(ChatId, bool)>,
    pub typed: Vec<(ChatId, bool)>,
    /// Changes of messages that were asked for.
    pub changes: Vec<(WaMessageId, MessageChange)>,
    /// Whose phone is linked, where it is not the usual one.
    pub linked_phone: Option<PhoneNumber>,
    /// Where the next choice of an id waits: it says that it is there, and goes on when it is told to.
    pub choosing: Option<(oneshot::Sender<()>, oneshot::Receiver<()>)>,
    /// Chances out of 100 that a send goes wrong in one of its ways; 0 at the end of a run.
    pub faults: u32,
    /// Whether some of what customers write carries a medium.
    pub with_media: bool,
    /// Messages that the page has in its database, and shows nowhere.
    pub stored: Vec<WaMessage>,
    /// Numbers that the server knows in another form, each with the chat of its owner.
    pub other_forms: Vec<(PhoneNumber, usize)>,
    /// Stanza ids of messages that the page can no longer quote.
    pub unquotable: Vec<WaMessageId>,
    /// Messages that the page has until a reply to them is handed over.
    pub lost_by_then: Vec<WaMessageId>,
    /// Chats of which the page cannot read any message.
    pub unreadable: Vec<ChatId>,
}

#[derive(Clone)]
pub struct FakeWhatsApp {
    pub world: Arc<Mutex<World>>,
    pub(super) clock: VirtualClock,
    pub(super) gate: Gate,
}

impl FakeWhatsApp {
    pub fn new(seed: u64, chats: usize, clock: VirtualClock, gate: Gate) -> Self {
        let chats = (0..chats).map(|n| Chat {
            id: ChatId(format!("4477009000{n:02}@c.us")),
            phone: format!("+4477009000{n:02}").parse().unwrap(),
            also: vec![],
            on_page: vec![],
            waiting: vec![],
            phone_shows: vec![],
        });
        let world = World {
            chats: chats.collect(),
            accepted: vec![],
            acks: BTreeMap::new(),
            logins: 1,
            rng: StdRng::seed_from_u64(seed),
            session: watch::Sender::new(Session::starting()),
            bound: None,
            epoch: 1,
            online: true,
            linked: true,
            seq: 0,
            queue: VecDeque::new(),
            past: vec![],
            forgotten: vec![],
            made: 0,
            latest: clock.now(),
            calls: vec![],
            most_read: 0,
            typing: vec![],
            typed: vec![],
            changes: vec![],
            linked_phone: None,
            choosing: None,
            faults: 12,
            with_media: false,
            stored: vec![],
            other_forms: vec![],
            unquotable: vec![],
            lost_by_then: vec![],
            unreadable: vec![],
        };
        world.publish();
        Self {
            world: Arc::new(Mutex::new(world)),
            clock,
            gate,
        }
    }

    /// More customers, whose chats come after those that there are.
    pub fn add_chats(&self, count: usize) {
        let mut world = self.world.lock().unwrap();
        for _ in 0..count {
            let n = world.chats.len();
            world.chats.push(Chat {
                id: ChatId(format!("4477009000{n:02}@c.us")),
                phone: format!("+4477009000{n:02}").parse().unwrap(),
                also: vec![],
                on_page: vec![],
                waiting: vec![],
                phone_shows: vec![],
            });
        }
    }

    /// The session becomes what this makes of it, until the page says otherwise.
    pub fn session_happens(&self, event: &SessionEvent) {
        let world = self.world.lock().unwrap();
        world
            .session
            .send_modify(|session| *session = session.handle(event.clone(), world.bound.as_ref()));
    }

    /// Puts any event into the page's queue.
    pub fn event(&self, event: PageEvent) {
        self.world.lock().unwrap().push(event);
    }

    /// What was asked of the page, in order.
    pub fn calls(&self) -> Vec<String> {
        self.world.lock().unwrap().calls.clone()
    }

    /// A message of a chat as the page would tell it.
    pub fn message(&self, chat: usize, id: &str, text: &str, at: Timestamp) -> WaMessage {
        let told = by_customer(id, text, at);
        self.world.lock().unwrap().message(chat, &told)
    }

    /// A text of a customer that the page has, and no event has told of.
    pub fn stood_before(&self, chat: usize, id: &str, text: &str, at: Timestamp) {
        let told = by_customer(id, text, at);
        self.world.lock().unwrap().show(chat, told, false);
    }

    /// The owner writes on the phone: the page hears of its acks only.
    pub fn phone_writes(&self, chat: usize, text: &str) {
        let mut world = self.world.lock().unwrap();
        let at = world.second(self.clock.now());
        world.made += 1;
        let id = WaMessageId(format!("PHONE{:04}", world.made));
        let told = Told {
            id: id.clone(),
            from_me: true,
            text: text.to_owned(),
            at,
            ack: 3,
        };
        world.show(chat, told, false);
        let chat = world.chats[chat].id.clone();
        world.push(PageEvent::Ack {
            chat,
            ids: vec![id],
            ack: 3,
        });
    }

    /// Another phone links the device.
    pub fn link_phone(&self, phone: &str) {
        let mut world = self.world.lock().unwrap();
        world.linked_phone = Some(phone.parse().unwrap());
        world.new_page();
        world.publish();
    }

    pub fn customer_writes(&self, chat: usize) -> WaMessageId {
        let mut world = self.world.lock().unwrap();
        let told = world.written_by_a_customer(self.clock.now());
        let id = told.id.clone();
        if world.online && world.linked {
            world.show(chat, told, true);
        } else {
            world.chats[chat].waiting.push(told);
        }
        id
    }

    /// A customer writes, and the page shows it without telling: no listener hears any more.
    pub fn customer_writes_unheard(&self, chat: usize) -> WaMessageId {
        let mut world = self.world.lock().unwrap();
        let told = world.written_by_a_customer(self.clock.now());
        let id = told.id.clone();
        world.show(chat, told, false);
        id
    }

    /// The page is loaded anew: its queue is gone, and so is, now and then, what it had not sent.
    pub fn reload(&self) {
        self.reload_unseen();
        self.look();
    }

    pub fn set_online(&self, online: bool) {
        self.set_online_unseen(online);
        self.look();
    }

    /// As [`Self::reload`], and the session learns of it at its next look: the page goes on meanwhile.
    pub fn reload_unseen(&self) {
        self.world.lock().unwrap().new_page();
    }

    pub fn set_online_unseen(&self, online: bool) {
        let mut world = self.world.lock().unwrap();
        world.online = online;
        // A page that nobody has seen away has listened all along.
        let told = world.session.borrow().state != SessionState::Offline;
        if online {
            world.arrive(told);
        }
    }

    /// The session learns how the page stands.
    pub fn look(&self) {
        self.world.lock().unwrap().publish();
    }

    /// The phone unlinks the device, and links it again later: what the page had not sent is gone.
    pub fn unlink(&self) {
        let mut world = self.world.lock().unwrap();
        world.linked = false;
        for chat in &mut world.chats {
            chat.on_page.retain(|told| told.ack != 0);
        }
        world.new_page();
        world.publish();
    }

    pub fn link(&self) {
        let mut world = self.world.lock().unwrap();
        if !world.linked {
            world.linked = true;
            world.logins += 1;
            world.arrive(false);
        }
        world.publish();
    }

    /// The page sends what it holds, phones receive, customers read: one random step, or all of them.
    pub fn progress(&self, all: bool) {
        let mut world = self.world.lock().unwrap();
        if !(world.online && world.linked) {
            return;
        }
        loop {
            let mut moves: Vec<(usize, usize)> = vec![];
            for (c, chat) in world.chats.iter().enumerate() {
                // In order: what was written first leaves first.
                let first_unsent = chat.on_page.iter().position(|told| told.from_me && told.ack == 0);
                for (m, told) in chat.on_page.iter().enumerate() {
                    if told.from_me && (first_unsent == Some(m) || (1..3).contains(&told.ack)) {
                        moves.push((c, m));
                    }
                }
            }
            let Some((c, m)) = moves.choose(&mut world.rng).copied() else {
                return;
            };
            world.advance(c, m);
            if !all {
                return;
            }
        }
    }

    /// An event comes twice, as a page does now and then.
    pub fn repeat_an_event(&self) {
        let mut world = self.world.lock().unwrap();
        let World { past, rng, .. } = &mut *world;
        if let Some(event) = past.choose(rng).cloned() {
            world.push(event);
        }
    }

    /// Every call passes a crash point, and finds the page there or not.
    pub(super) async fn enter(&self) -> Result<(), Unreachable> {
        self.gate.pass().await;
        let world = self.world.lock().unwrap();
        if world.online && world.linked {
            Ok(())
        } else {
            Err(Unreachable("the page is away".into()))
        }
    }
}

impl World {
    fn publish(&self) {
        let me = Me {
            phone: self.linked_phone.clone().unwrap_or_else(|| OWN_PHONE.parse().unwrap()),
            lid: Some(OWN_LID.to_owned()),
            name: None,
        };
        let status = PageStatus {
            epoch: self.epoch.to_string(),
            full_ready: true,
            authenticated: self.linked,
            main: true,
            synced: true,
            online: self.online,
            qr: (!self.linked).then(|| "2@code".to_owned()),
            me: self.linked.then_some(me),
            ..PageStatus::default()
        };
        self.session
            .send_modify(|session| *session = session.handle(SessionEvent::Page(status), self.bound.as_ref()));
    }

    fn new_page(&mut self) {
        self.epoch += 1;
        self.seq = 0;
        self.queue.clear();
        let lose = self.rng.random_bool(0.3);
        if lose {
            for chat in &mut self.chats {
                chat.on_page.retain(|told| !(told.from_me && told.ack == 0));
            }
        }
        if self.online && self.linked {
            self.arrive(false);
        }
    }

    /// What came while the page was away is there, as a rule without an event.
    fn arrive(&mut self, with_events: bool) {
        for chat in 0..self.chats.len() {
            for told in std::mem::take(&mut self.chats[chat].waiting) {
                self.show(chat, told, with_events);
            }
        }
    }

    pub(super) fn show(&mut self, chat: usize, told: Told, with_event: bool) {
        if with_event {
            let event = PageEvent::Message(Box::new(self.message(chat, &told)));
            self.push(event);
        }
        self.chats[chat].on_page.push(told);
    }

    fn push(&mut self, event: PageEvent) {
        self.seq += 1;
        self.queue.push_back((self.seq, event.clone()));
        self.past.push(event);
    }

    fn advance(&mut self, c: usize, m: usize) {
        let told = &mut self.chats[c].on_page[m];
        told.ack += 1;
        let (id, ack) = (told.id.clone(), told.ack);
        if ack == 1 {
            self.accepted.push(id.clone());
        }
        if ack == 2 && !self.chats[c].phone_shows.contains(&id) {
            self.chats[c].phone_shows.push(id.clone());
        }
        self.acks.insert(id.clone(), ack);
        let chat = self.chats[c].id.clone();
        self.push(PageEvent::Ack {
            chat,
            ids: vec![id],
            ack,
        });
    }

    fn written_by_a_customer(&mut self, now: Timestamp) -> Told {
        self.made += 1;
        Told {
            id: WaMessageId(format!("IN{:04}", self.made)),
            from_me: false,
            text: format!("in {}", self.made),
            at: self.second(now),
            ack: 1,
        }
    }

    pub(super) fn message(&self, chat: usize, told: &Told) -> WaMessage {
        let media = medium_of(&told.id).filter(|_| self.with_media && !told.from_me);
        let chat = &self.chats[chat];
        WaMessage {
            id: told.id.clone(),
            chat: chat.id.clone(),
            chat_kind: ChatKind::Direct,
            contact: contact(chat),
            chat_name: None,
            from_me: told.from_me,
            sender: WaUserId(chat.id.0.clone()),
            timestamp: told.at,
            kind: media.as_ref().map_or(Kind::Text, |_| Kind::Document),
            content: told.text.clone(),
            ack: told.ack,
            quoted: None,
            details: None,
            media: media.map(|bytes| promised(&bytes)),
            edited_at: None,
            is_deleted: false,
            reactions: None,
            votes: None,
            new_number: None,
        }
    }

    /// Whether this is the message that was asked for. A group's is known by its sender too.
    pub(super) fn is(message: &WaMessage, of: &MessageRef) -> bool {
        let sender = of
            .sender
            .as_ref()
            .map(|sender| sender.as_str().trim_start_matches("lid:"));
        let of_sender = message.chat_kind == ChatKind::Direct
            || message.from_me
            || sender.is_some_and(|sender| {
                message.sender.as_str().trim_end_matches("@lid") == sender.trim_end_matches("@lid")
            });
        message.chat == of.chat && message.id == of.id && message.from_me == of.from_me && of_sender
    }

    /// Whole seconds, as WhatsApp gives them.
    pub(super) fn second(&mut self, now: Timestamp) -> Timestamp {
        self.latest = self.latest.max(now);
        Timestamp(self.latest.0 / 1000 * 1000)
    }

    pub(super) fn index(&self, chat: &ChatId) -> usize {
        self.chats
            .iter()
            .position(|known| known.id == *chat)
            .expect("a chat that exists")
    }
}
