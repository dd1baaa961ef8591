//! How the service reaches pages: stanzas to linked devices, kept until acknowledged, and frames to open sockets.

use super::clock::now_ms;
use super::device::DeviceId;
use super::faults::Network;
use super::people::{CustomerId, PhoneId};
use super::stanza::{Content, Stanza};
use super::thread::AckChange;
use super::wire::ToPage;
use super::world::{ConnectionId, Role, World};

impl World {
    /// Sends a stanza to every linked device of an account, but not to `except`, which caused it.
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
        // What comes before the page has had its history waits for it, as the page reads them in that order.
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

    pub(crate) fn connection_of(&self, device: DeviceId) -> Option<ConnectionId> {
        let mut all = self.connections.iter();
        let found = all.find(|(_, c)| c.out.is_some() && matches!(c.role, Role::Device(id) if id == device));
        found.map(|(id, _)| *id)
    }

    /// To a page. On a dead network the frame goes nowhere, and what matters comes again on the next connection.
    pub(crate) fn send(&self, connection: ConnectionId, frame: &ToPage) {
        if self.faults.network == Network::Dead {
            return;
        }
        let Some(out) = self.connections.get(&connection).and_then(|c| c.out.as_ref()) else {
            return;
        };
        if let Ok(text) = serde_json::to_string(frame) {
            // A receiver that is gone is a socket that has just closed.
            let _ = out.send(text);
        }
    }

    /// Closes a page's socket.
    pub(crate) fn hang_up(&mut self, connection: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.out = None;
        }
    }

    /// A message between an account and a customer, to every linked device but the one that sent it.
    pub(crate) fn spread(
        &mut self,
        phone: PhoneId,
        customer: CustomerId,
        except: Option<DeviceId>,
        (id, from_me, t, content): (&str, bool, i64, Content),
    ) {
        let stanza = Stanza::Message {
            chat: self.customers[customer.0].jid(),
            id: id.to_owned(),
            from_me,
            t,
            person: self.person(customer),
            content,
        };
        self.tell_devices(phone, except, &stanza);
    }

    /// A receipt for messages that we sent: the service notes it, and every linked device hears of it.
    pub(crate) fn receipt(&mut self, phone: PhoneId, customer: CustomerId, ids: &[String], ack: i8) {
        let thread = self.thread_mut(phone, customer);
        let mut news = Vec::new();
        for id in ids {
            if let Some(message) = thread.get_mut(true, id).filter(|message| message.ack < ack) {
                message.ack = ack;
                news.push(id.clone());
            }
        }
        if news.is_empty() {
            return;
        }
        for id in &news {
            self.note_ack(phone, customer, id, ack);
        }
        let chat = self.customers[customer.0].jid();
        self.tell_devices(
            phone,
            None,
            &Stanza::Receipt {
                chat,
                ids: news,
                ack,
                t: now_ms() / 1000,
            },
        );
    }

    pub(crate) fn note_ack(&mut self, phone: PhoneId, customer: CustomerId, id: &str, ack: i8) {
        self.acks.push(AckChange {
            at_ms: now_ms(),
            phone,
            customer,
            stanza_id: id.to_owned(),
            ack,
        });
    }

    /// A page has taken in everything up to `seq`: whoever wrote it sees it delivered.
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
                ..
            } = stanza
            else {
                continue;
            };
            let Some(customer) = self.find(&chat) else { continue };
            if let Some(message) = self.thread_mut(phone, customer).get_mut(false, &id) {
                message.ack = message.ack.max(2);
            }
        }
    }
}
