//! History for a newly linked device: first the end of every chat; then, while the page is already up, the older
//! messages, newest chats first, chunk by chunk. A chunk is sent again on every connection until the page has it.

use std::time::Duration;

use super::clock::now_ms;
use super::device::DeviceId;
use super::handles::StandIn;
use super::messages::thread::Message;
use super::net::stanza::Person;
use super::net::wire::{HistoryChat, HistoryChunk, HistoryMessage, ToPage};
use super::options::NewCustomer;
use super::people::customer::Customer;
use super::people::jid::Jid;
use super::people::place::{ChatWith, Place};
use super::people::{CustomerId, PhoneId};
use super::world::{ConnectionId, World};

/// Maximum number of chats in a chunk.
const CHATS_PER_CHUNK: usize = 20;

/// Maximum number of messages in a chunk.
const MESSAGES_PER_CHUNK: usize = 2_000;

/// Fills chunks with pieces of chats.
struct Chunks {
    made: Vec<HistoryChunk>,
    chats: Vec<HistoryChat>,
    messages: usize,
    background: bool,
}

impl Chunks {
    fn push(&mut self, piece: HistoryChat) {
        if self.chats.len() == CHATS_PER_CHUNK || self.messages + piece.messages.len() > MESSAGES_PER_CHUNK {
            self.close();
        }
        self.messages += piece.messages.len();
        self.chats.push(piece);
    }

    fn close(&mut self) {
        let chats = std::mem::take(&mut self.chats);
        self.messages = 0;
        if !chats.is_empty() {
            self.made.push(HistoryChunk {
                n: 0,
                chats,
                progress: 0,
                background: self.background,
            });
        }
    }
}

impl World {
    /// Returns the chunks of history for a new device of an account, in the order in which it gets them.
    pub(crate) fn history_for(&mut self, phone: PhoneId) -> Vec<HistoryChunk> {
        let mut chats: Vec<ChatWith> = self.phones[phone.0].threads.keys().copied().collect();
        let threads = &self.phones[phone.0].threads;
        chats.sort_by_key(|chat| std::cmp::Reverse(threads[chat].messages.last().map_or(0, |message| message.t)));
        let mut chunks = Chunks {
            made: Vec::new(),
            chats: Vec::new(),
            messages: 0,
            background: false,
        };
        for background in [false, true] {
            chunks.background = background;
            for chat in &chats {
                let messages = &threads[chat].messages;
                let (older, recent) = messages.split_at(messages.len().saturating_sub(self.options.history_first));
                // Older messages come newest first, as from a real phone.
                let pieces = (if background { older } else { recent }).rchunks(MESSAGES_PER_CHUNK);
                let empty: &[Message] = &[];
                for piece in pieces.chain((!background && messages.is_empty()).then_some(empty)) {
                    chunks.push(self.history_chat(phone, *chat, piece));
                }
            }
            chunks.close();
        }
        self.number_chunks(chunks.made)
    }

    fn number_chunks(&mut self, mut chunks: Vec<HistoryChunk>) -> Vec<HistoryChunk> {
        let all: usize = chunks.iter().map(HistoryChunk::weight).sum();
        let mut done = 0;
        for chunk in &mut chunks {
            done += chunk.weight();
            chunk.n = self.fresh_id();
            chunk.progress = u8::try_from(done * 100 / all.max(1)).unwrap_or(100);
        }
        chunks
    }

    fn history_chat(&self, phone: PhoneId, chat: ChatWith, messages: &[Message]) -> HistoryChat {
        let place = Place::of(phone, chat);
        let person = match chat {
            ChatWith::Customer(customer) => self.person(customer),
            ChatWith::Group(_) => Person::default(),
        };
        let name = person.push_name.clone();
        let messages = messages.iter();
        HistoryChat {
            chat: self.address(place),
            unread: self.phones[phone.0].threads[&chat].unread,
            timer: self.phones[phone.0].threads[&chat].timer,
            messages: messages
                .map(|message| self.history_message(message, name.as_ref()))
                .collect(),
            person,
            group: place.group().map(|group| self.group_info(group)),
        }
    }

    fn history_message(&self, message: &Message, chat_name: Option<&String>) -> HistoryMessage {
        let author = message.author.as_ref().and_then(|author| self.find_anyone(author));
        let name = author.map_or_else(|| chat_name.cloned(), |who| self.person_of(who).push_name);
        HistoryMessage {
            id: message.id.clone(),
            from_me: message.from_me,
            author: message.author.clone(),
            kind: "text",
            text: message.text.clone(),
            t: message.t,
            ack: message.ack,
            push_name: name.filter(|_| !message.from_me),
            quote: message.quote.clone(),
            body: message.body.clone(),
            receipts: message.receipts.clone(),
            edited: message.edited,
            revoked: message.revoked,
            reactions: message.reactions.clone(),
            votes: message.votes.clone(),
        }
    }

    /// Handles a page that has stored a chunk: sends it the next background chunk.
    pub(crate) fn history_taken(&mut self, connection: ConnectionId, device: DeviceId, n: u64) {
        let Some(known) = self.devices.get_mut(&device) else {
            return;
        };
        let before = known.history.len();
        known.history.retain(|chunk| chunk.n != n);
        if known.history.len() == before {
            return;
        }
        let delay = self.faults.history_delay;
        if delay.is_zero() {
            self.next_in_background(connection, device);
        } else {
            let next = move |world: &mut Self| world.next_in_background(connection, device);
            self.later.push((delay, Box::new(next)));
        }
    }

    /// Sends the next background chunk. One at a time, so that new messages do not wait behind old ones.
    pub(crate) fn next_in_background(&self, connection: ConnectionId, device: DeviceId) {
        let first = self.devices.get(&device).and_then(|device| device.history.front());
        if let Some(chunk) = first.filter(|chunk| chunk.background) {
            self.send(connection, &ToPage::History { chunk: chunk.clone() });
        }
    }

    /// Creates old chats, all read and with nothing to deliver: `messages_each` texts, alternating, evenly from
    /// `oldest` ago until a minute ago.
    pub(crate) fn fill_history(&mut self, chats: usize, messages_each: usize, oldest: Duration) -> Vec<CustomerId> {
        let now = now_ms() / 1000;
        let span = i64::try_from(oldest.as_secs()).unwrap_or(i64::MAX).clamp(60, now) - 60;
        let steps = i64::try_from((chats * messages_each).max(1)).unwrap_or(i64::MAX);
        let known = self.customers.len();
        let customers: Vec<CustomerId> = (0..chats)
            .map(|chat| {
                let number = format!("4479{:08}", known + chat);
                self.add_customer(NewCustomer::by_phone(&format!("Customer {chat}"), &number))
            })
            .collect();
        for n in 0..messages_each {
            for (chat, customer) in customers.iter().enumerate() {
                let step = i64::try_from(n * chats + chat).unwrap_or(i64::MAX);
                let from_me = n % 2 == 1;
                let id = self.phone_stanza_id();
                let message = Message {
                    t: now - 60 - span + span * step / steps,
                    ack: 3,
                    ..Self::new_message(id, from_me, format!("Message {n} of chat {chat}"))
                };
                self.thread_mut(PhoneId(0), *customer).messages.push(message);
            }
        }
        customers
    }
}

impl HistoryChunk {
    /// Returns its number of messages, as its share of the progress.
    fn weight(&self) -> usize {
        self.chats.iter().map(|chat| chat.messages.len()).sum::<usize>().max(1)
    }
}

impl StandIn {
    /// Creates old chats of our first account, all read: `messages_each` texts, alternating, evenly from `oldest` ago
    /// until now. Call it before a login; a device that is linked already gets none of them.
    pub fn fill_history(&self, chats: usize, messages_each: usize, oldest: Duration) -> Vec<Customer> {
        let filled = self
            .service()
            .with(|world| world.fill_history(chats, messages_each, oldest));
        let handle = |id| Customer::new(std::sync::Arc::clone(self.service()), id);
        filled.into_iter().map(handle).collect()
    }

    /// Sets the number of messages of each chat that a device gets before its page comes up; the older ones follow.
    /// From the next login on.
    pub fn give_first(&self, messages: usize) {
        self.service().with(|world| world.options.history_first = messages);
    }

    /// Returns the number of chunks of history that a device has not stored yet.
    pub fn history_left(&self, device: DeviceId) -> usize {
        self.look(|world| world.devices.get(&device).map_or(0, |device| device.history.len()))
    }

    /// Returns the addresses of an account's chats.
    pub fn chats(&self, phone: PhoneId) -> Vec<Jid> {
        self.look(|world| {
            let threads = world.phones[phone.0].threads.keys();
            threads.map(|chat| world.address(Place::of(phone, *chat))).collect()
        })
    }
}
