//! Delivery to pages: stanzas for linked devices, kept until acknowledged, and frames for open sockets.

use super::body::GROUP_NOTICE;
use super::thread::AckChange;
use crate::standin::clock::now_ms;
use crate::standin::device::DeviceId;
use crate::standin::faults::Network;
use crate::standin::net::stanza::{Content, Stanza};
use crate::standin::net::wire::ToPage;
use crate::standin::people::jid::Jid;
use crate::standin::people::place::{ChatWith, Place, Sender, Who};
use crate::standin::people::{CustomerId, PhoneId};
use crate::standin::world::{ConnectionId, Role, World};

impl World {
    /// Sends a stanza to every linked device of an account, except the one that caused it.
    pub(crate) fn tell_devices(&mut self, phone: PhoneId, except: Option<DeviceId>, stanza: &Stanza) {
        let own = self
            .devices
            .iter()
            .filter(|(id, device)| device.phone == phone && Some(**id) != except);
        let ids: Vec<DeviceId> = own.map(|(id, _)| *id).collect();
        for id in ids {
            self.tell_device(id, stanza.clone());
        }
    }

    /// Queues a stanza for a device, and sends it if the device is connected.
    pub(crate) fn tell_device(&mut self, id: DeviceId, stanza: Stanza) {
        let live = self.connection_of(id);
        if !stanza.keeps() {
            if let Some(connection) = live {
                self.send(
                    connection,
                    &ToPage::Stanza {
                        seq: 0,
                        stanza,
                        offline: None,
                    },
                );
            }
            return;
        }
        let Some(device) = self.devices.get_mut(&id) else {
            return;
        };
        let seq = device.enqueue(stanza.clone());
        // A stanza that comes before the page has its history waits for it: the page reads them in that order.
        if let Some(connection) = live {
            self.send(
                connection,
                &ToPage::Stanza {
                    seq,
                    stanza,
                    offline: None,
                },
            );
        }
    }

    /// Returns the connection of a device, if it has one.
    pub(crate) fn connection_of(&self, device: DeviceId) -> Option<ConnectionId> {
        let mut all = self.connections.iter();
        let found = all.find(|(_, c)| c.out.is_some() && matches!(c.role, Role::Device(id) if id == device));
        found.map(|(id, _)| *id)
    }

    /// Sends a frame to a page. On a dead network it is lost; stanzas are sent again on the next connection.
    pub(crate) fn send(&self, connection: ConnectionId, frame: &ToPage) {
        if self.faults.network == Network::Dead {
            return;
        }
        let Some(out) = self.connections.get(&connection).and_then(|c| c.out.as_ref()) else {
            return;
        };
        if let Ok(text) = serde_json::to_string(frame) {
            // A dropped receiver is a socket that has just closed.
            let _ = out.send(text);
        }
    }

    /// Closes a page's socket.
    pub(crate) fn hang_up(&mut self, connection: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.out = None;
        }
    }

    /// Sends a new message to every linked device of an account except its sender.
    pub(crate) fn spread(
        &mut self,
        phone: PhoneId,
        place: Place,
        sender: Sender,
        (id, t): (&str, i64),
        content: Content,
    ) {
        let about_it = matches!(&content, Content::Text { body, .. } if body.kind == GROUP_NOTICE);
        let group = place.group().filter(|_| about_it);
        let stanza = Stanza::Message {
            chat: self.address(place),
            id: id.to_owned(),
            from_me: sender.is(phone),
            author: self.author(place, sender.who),
            t,
            person: self.person_for(phone, place, sender.who),
            group: group.map(|group| Box::new(self.group_info(group))),
            content: Box::new(content),
        };
        self.tell_devices(phone, sender.device, &stanza);
    }

    /// Stores a receipt for an account's messages and sends it to every linked device.
    pub(crate) fn receipt(&mut self, phone: PhoneId, place: Place, reader: Who, ids: &[String], ack: i8) {
        let participant = self.author(place, reader);
        let customer = match reader {
            Who::Customer(customer) => Some(customer),
            Who::Phone(_) => None,
        };
        let mut news = Vec::new();
        for id in ids {
            let thread = self.thread_mut(phone, place.chat());
            let Some(message) = thread.get_mut(true, id) else {
                continue;
            };
            if message.reached(participant.clone(), ack) {
                news.push((id.clone(), message.ack));
            }
        }
        for (id, _) in &news {
            self.note_ack(phone, place, customer, id, ack);
        }
        let (chat, t) = (self.address(place), now_ms() / 1000);
        let stanza = |ids: Vec<String>, all: Option<i8>| Stanza::Receipt {
            chat: chat.clone(),
            participant: participant.clone(),
            all,
            ids,
            ack,
            t,
        };
        if participant.is_some() {
            for (id, all) in news {
                self.tell_devices(phone, None, &stanza(vec![id], Some(all)));
            }
        } else if !news.is_empty() {
            let ids = news.into_iter().map(|(id, _)| id).collect();
            self.tell_devices(phone, None, &stanza(ids, None));
        }
    }

    /// Stores the state of a message. `whom` is the customer that it has reached; in a direct chat always the same one.
    pub(crate) fn note_ack(&mut self, phone: PhoneId, place: Place, whom: Option<CustomerId>, id: &str, ack: i8) {
        let customer = match place {
            Place::Direct(_, customer) => Some(customer),
            Place::Group(_) => whom,
        };
        self.acks.push(AckChange {
            at_ms: now_ms(),
            phone,
            customer,
            stanza_id: id.to_owned(),
            ack,
        });
    }

    /// Handles a page that has stored everything up to `seq`: the senders see their messages as delivered.
    pub(crate) fn acknowledged(&mut self, device: DeviceId, seq: u64) {
        let Some(device) = self.devices.get_mut(&device) else {
            return;
        };
        let phone = device.phone;
        for stanza in device.acknowledged(seq) {
            let Stanza::Message {
                chat,
                id,
                from_me: false,
                author,
                ..
            } = stanza
            else {
                continue;
            };
            let Some(chat) = self.find_chat(&chat) else { continue };
            self.seen_by_us(phone, chat, author.as_ref(), &id, 2);
        }
    }

    /// Handles that one of our accounts has received or read a message; if another account of ours wrote it, that one
    /// is told.
    pub(crate) fn seen_by_us(&mut self, phone: PhoneId, chat: ChatWith, author: Option<&Jid>, id: &str, ack: i8) {
        let Some(message) = self.thread_mut(phone, chat).by(author, false, id) else {
            return;
        };
        message.ack = message.ack.max(ack);
        if let Some(Who::Phone(writer)) = author.and_then(|author| self.find_anyone(author)) {
            self.receipt(writer, Place::of(phone, chat), Who::Phone(phone), &[id.to_owned()], ack);
        }
    }
}
