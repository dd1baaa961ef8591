//! WebSocket between a page and the service.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use axum::extract::State;
use axum::extract::ws::{Message as Frame, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::sync::mpsc;

use super::service::Service;
use super::wire::{FromPage, ToPage};
use crate::standin::clock::now_ms;
use crate::standin::device::DeviceId;
use crate::standin::faults::{Network, Restriction};
use crate::standin::messages::thread::{ReadReceipt, Typing};
use crate::standin::people::place::{ChatWith, Place, Who};
use crate::standin::people::{CustomerId, PhoneId};
use crate::standin::world::{Connection, ConnectionId, Role, World};

/// Opens a page's WebSocket.
pub(crate) async fn upgrade(State(service): State<Arc<Service>>, upgrade: WebSocketUpgrade) -> Response {
    if service.look(|world| world.faults.network == Network::Down) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    upgrade.on_upgrade(move |socket| run(service, socket))
}

async fn run(service: Arc<Service>, socket: WebSocket) {
    let (out, mut frames) = mpsc::unbounded_channel::<String>();
    let id = service.with(|world| {
        let id = world.fresh_id();
        world.connections.insert(id, Connection::new(out));
        id
    });
    let (mut sink, mut stream) = socket.split();
    loop {
        tokio::select! {
            () = service.stop.cancelled() => break,
            frame = frames.recv() => match frame {
                Some(text) => if sink.send(Frame::text(text)).await.is_err() { break },
                None => break,
            },
            incoming = stream.next() => match incoming {
                Some(Ok(Frame::Text(text))) => receive(&service, id, &text),
                Some(Ok(Frame::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
        }
    }
    service.with(|world| world.disconnected(id));
    let _ = sink.close().await;
}

fn receive(service: &Arc<Service>, id: ConnectionId, text: &str) {
    service.with(|world| {
        if world.faults.network == Network::Dead {
            return;
        }
        match serde_json::from_str(text) {
            Ok(frame) => world.receive(id, frame),
            Err(error) => tracing::warn!(%error, "the page sent a frame that nobody understands"),
        }
    });
}

impl World {
    fn disconnected(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.remove(&id) else {
            return;
        };
        if let Role::Linking(linking) = connection.role {
            // The page disconnected before it confirmed its credential: the device does not exist.
            let unfinished = |id: &DeviceId| self.devices.get(id).is_some_and(|device| !device.registered);
            if let Some(device) = linking.device.filter(unfinished) {
                self.devices.remove(&device);
            }
        }
    }

    fn receive(&mut self, id: ConnectionId, frame: FromPage) {
        match frame {
            FromPage::Pair {
                noise,
                identity,
                adv_digest,
            } => self.begin_linking(id, noise, identity, adv_digest),
            FromPage::PairCode { n, number } => {
                let code = self.pairing_code(id, number);
                self.reply(id, n, code.map(Value::String).ok_or("this page is not linking"));
            }
            FromPage::PairDone { n } => {
                self.finish_linking(id);
                self.reply(id, n, Ok(Value::Null));
            }
            FromPage::Hello { device, secret } => self.log_in(id, device, &secret),
            other => {
                let Some(Role::Device(device)) = self.connections.get(&id).map(|c| &c.role) else {
                    return;
                };
                let device = *device;
                self.device_says(id, device, other);
            }
        }
    }

    fn device_says(&mut self, id: ConnectionId, device: DeviceId, frame: FromPage) {
        match frame {
            FromPage::Ack { seq } => self.acknowledged(device, seq),
            FromPage::HistoryAck { n } => self.history_taken(id, device, n),
            FromPage::Message(sent) => self.accept(device, &sent),
            FromPage::Read { jid, ids } => self.page_read(device, &jid, &ids),
            FromPage::Chatstate { jid, state } => self.page_types(device, &jid, &state),
            FromPage::PresenceSubscribe { jid } => {
                let chat = self.find_chat(&jid);
                if let (Some(chat), Some(connection)) = (chat, self.connections.get_mut(&id)) {
                    connection.subscribed.push(chat);
                }
            }
            FromPage::Exists { .. }
            | FromPage::Username { .. }
            | FromPage::Profile { .. }
            | FromPage::Group { .. }
            | FromPage::Groups { .. } => self.page_asks(id, device, frame),
            FromPage::MediaRetry { n, path } => {
                let phone = self.devices.get(&device).map(|device| device.phone);
                if let Some(answer) = phone.and_then(|phone| self.ask_phone(phone, &path)) {
                    self.reply(id, n, answer.map(Value::String));
                }
            }
            FromPage::Logout { n } => {
                self.reply(id, n, Ok(Value::Null));
                self.devices.remove(&device);
            }
            FromPage::Available { available } => {
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.available = available;
                }
            }
            FromPage::Pair { .. } | FromPage::PairCode { .. } | FromPage::PairDone { .. } | FromPage::Hello { .. } => {}
        }
    }

    /// Answers request `n` of a page.
    pub(crate) fn reply(&self, id: ConnectionId, n: u64, result: Result<Value, &str>) {
        let (result, error) = match result {
            Ok(result) => (Some(result), None),
            Err(error) => (None, Some(error.to_owned())),
        };
        self.send(id, &ToPage::Answer { n, result, error });
    }

    fn log_in(&mut self, id: ConnectionId, device_id: DeviceId, secret: &str) {
        let known = self
            .devices
            .get(&device_id)
            .filter(|device| device.registered && device.secret == secret);
        let Some(device) = known else {
            self.send(
                id,
                &ToPage::LoggedOut {
                    reason: "unknown_companion".to_owned(),
                },
            );
            return;
        };
        if self.phones[device.phone.0].restriction == Restriction::Banned {
            return self.turn_away(id);
        }
        let first = device.history.iter().filter(|chunk| !chunk.background);
        let (history, queue) = (first.cloned().collect::<Vec<_>>(), device.queue.clone());
        if let Some(other) = self.connection_of(device_id) {
            self.send(other, &ToPage::Conflict);
            self.hang_up(other);
        }
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.role = Role::Device(device_id);
        }
        self.send(
            id,
            &ToPage::Welcome {
                offline: queue.len(),
                history: history.len(),
            },
        );
        for chunk in history {
            self.send(id, &ToPage::History { chunk });
        }
        for (at, (seq, stanza)) in queue.into_iter().enumerate() {
            self.send(
                id,
                &ToPage::Stanza {
                    seq,
                    stanza,
                    offline: Some(at + 1),
                },
            );
        }
        self.send(id, &ToPage::OfflineEnd);
        self.next_in_background(id, device_id);
    }

    /// Handles a page that marked a chat as read.
    fn page_read(&mut self, device: DeviceId, jid: &crate::standin::Jid, ids: &[String]) {
        let (Some(chat), Some(phone)) = (self.find_chat(jid), self.devices.get(&device).map(|d| d.phone)) else {
            return;
        };
        self.mark_read(phone, chat, Some(device), ids);
    }

    /// Marks messages of a chat as read for an account, and sends the receipts.
    pub(crate) fn mark_read(&mut self, phone: PhoneId, chat: ChatWith, device: Option<DeviceId>, ids: &[String]) {
        let place = Place::of(phone, chat);
        let thread = self.thread_mut(phone, chat);
        thread.unread = 0;
        let ids: HashSet<&String> = ids.iter().collect();
        let theirs = thread
            .messages
            .iter()
            .filter(|message| !message.from_me && ids.contains(&message.id));
        let theirs: Vec<_> = theirs
            .map(|message| (message.author.clone(), message.id.clone()))
            .collect();
        // Each customer gets receipts for their own messages.
        let mut read: BTreeMap<CustomerId, Vec<String>> = BTreeMap::new();
        for (author, id) in theirs {
            self.seen_by_us(phone, chat, author.as_ref(), &id, 3);
            if let Some(Who::Customer(writer)) = self.writer(place, phone, false, author.as_ref()) {
                read.entry(writer).or_default().push(id);
            }
        }
        for (customer, ids) in read {
            self.reads.push(ReadReceipt {
                at_ms: now_ms(),
                phone,
                customer,
                group: place.group(),
                ids,
                device,
            });
        }
        let chat = self.address(place);
        self.tell_devices(phone, device, &super::stanza::Stanza::ReadSelf { chat });
    }

    fn page_types(&mut self, device: DeviceId, jid: &crate::standin::Jid, state: &str) {
        let (Some(chat), Some(phone)) = (self.find_chat(jid), self.devices.get(&device).map(|d| d.phone)) else {
            return;
        };
        let place = Place::of(phone, chat);
        for customer in self.customers_in(place) {
            self.typing.push(Typing {
                at_ms: now_ms(),
                phone,
                customer,
                group: place.group(),
                state: state.to_owned(),
            });
        }
    }
}
