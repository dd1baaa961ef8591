//! A phone of ours: it links browsers, writes, reads, logs devices out, and can be switched off.

use std::sync::Arc;

use super::device::DeviceId;
use super::messages::doings::Draft;
use super::messages::thread::Message;
use super::net::service::Service;
use super::net::wire::ToPage;
use super::pairing::LinkError;
use super::people::PhoneId;
use super::people::jid::Jid;
use super::people::place::{ChatWith, Place, Sender};
use super::world::World;

impl World {
    /// Returns the phone's number, digits only.
    pub fn number(&self, phone: PhoneId) -> Option<&str> {
        self.phones.get(phone.0).map(|phone| phone.number.as_str())
    }

    /// Writes a message on our phone and returns its stanza id.
    pub(crate) fn phone_writes(&mut self, phone: PhoneId, chat: ChatWith, draft: &Draft) -> String {
        // Writing on the phone opens the chat, which reads it.
        self.phone_reads(phone, chat);
        let (place, sender) = (Place::of(phone, chat), Sender::phone(phone, None));
        let message = self.compose(place, sender.who, draft);
        let id = message.id.clone();
        self.post(place, sender, &message);
        id
    }

    /// Reads a chat on our phone.
    pub(crate) fn phone_reads(&mut self, phone: PhoneId, chat: ChatWith) {
        let unread = self.thread_mut(phone, chat);
        let theirs = unread
            .messages
            .iter()
            .filter(|message| !message.from_me && message.ack < 3 && !message.body.is_notice());
        let ids: Vec<String> = theirs.map(|message| message.id.clone()).collect();
        if !ids.is_empty() {
            self.mark_read(phone, chat, None, &ids);
        }
    }

    /// Unlinks a device, for a reason in WhatsApp's words.
    pub(crate) fn log_out(&mut self, device: DeviceId, reason: &str) {
        let connection = self.connection_of(device);
        self.devices.remove(&device);
        if let Some(connection) = connection {
            self.send(
                connection,
                &ToPage::LoggedOut {
                    reason: reason.to_owned(),
                },
            );
        }
    }
}

/// Handle on one of our phones.
#[derive(Clone)]
pub struct Phone {
    service: Arc<Service>,
    id: PhoneId,
}

impl Phone {
    /// Creates a handle.
    pub(crate) fn new(service: Arc<Service>, id: PhoneId) -> Self {
        Self { service, id }
    }

    /// Returns the id.
    pub fn id(&self) -> PhoneId {
        self.id
    }

    /// Returns the number, digits only.
    pub fn number(&self) -> String {
        self.service.look(|world| world.phones[self.id.0].number.clone())
    }

    /// Returns the account's LID.
    pub fn lid(&self) -> Jid {
        self.service.look(|world| Jid::lid(&world.phones[self.id.0].lid))
    }

    /// Scans a QR code, given its text, and waits until the page is linked.
    pub async fn scan(&self, code: &str) -> Result<DeviceId, LinkError> {
        let device = self.service.with(|world| world.scan(self.id, code))?;
        self.linked(device).await
    }

    /// Types a code of eight characters, with or without its dash, and waits until the page is linked.
    pub async fn type_pairing_code(&self, code: &str) -> Result<DeviceId, LinkError> {
        let device = self.service.with(|world| world.type_code(self.id, code))?;
        self.linked(device).await
    }

    pub(crate) fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// Waits until the page of a device has its credential.
    pub(crate) async fn linked(&self, id: DeviceId) -> Result<DeviceId, LinkError> {
        self.service
            .until(|world| match world.devices.get(&id) {
                None => Some(Err(LinkError::PageGone)),
                Some(device) => device.registered.then_some(Ok(id)),
            })
            .await
    }

    /// Writes to a customer or in a group, and returns the stanza id.
    pub fn send(&self, to: impl Into<ChatWith>, text: &str) -> String {
        self.send_draft(to, &Draft::text(text))
    }

    /// Sends a message and returns its stanza id. It may quote one of the customer's, in a group anybody's.
    pub fn send_draft(&self, to: impl Into<ChatWith>, draft: &Draft) -> String {
        let chat = to.into();
        self.service.with(|world| world.phone_writes(self.id, chat, draft))
    }

    /// Sets the timer of disappearing messages in a chat, in seconds; 0 turns it off.
    pub fn set_disappearing(&self, chat: impl Into<ChatWith>, seconds: u32) {
        let place = Place::of(self.id, chat.into());
        self.service
            .with(|world| world.set_timer(place, Sender::phone(self.id, None), seconds));
    }

    /// Edits one of our messages on the phone.
    pub fn edit(&self, chat: impl Into<ChatWith>, id: &str, text: &str) {
        let place = Place::of(self.id, chat.into());
        self.service.with(|world| {
            let edit = world.phone_stanza_id();
            world.edit(place, Sender::phone(self.id, None), (&edit, id), text);
        });
    }

    /// Deletes one of our messages for everyone.
    pub fn delete(&self, chat: impl Into<ChatWith>, id: &str) {
        let place = Place::of(self.id, chat.into());
        self.service.with(|world| {
            let revoke = world.phone_stanza_id();
            let sender = Sender::phone(self.id, None);
            world.revoke(place, sender, &revoke, (sender.who, id));
        });
    }

    /// Opens a chat on the phone and reads it.
    pub fn read(&self, chat: impl Into<ChatWith>) {
        let chat = chat.into();
        self.service.with(|world| world.phone_reads(self.id, chat));
    }

    /// Returns the messages that this phone shows in a chat, its own and those of its linked devices.
    pub fn chat(&self, with: impl Into<ChatWith>) -> Vec<Message> {
        let with = with.into();
        let messages = |world: &World| world.thread(self.id, with).map(|thread| thread.messages.clone());
        self.service.look(messages).unwrap_or_default()
    }

    /// Returns the linked devices.
    pub fn devices(&self) -> Vec<DeviceId> {
        self.service.look(|world| world.devices(self.id))
    }

    /// Unlinks every device.
    pub fn log_out_devices(&self) {
        self.log_out_devices_for("user_initiated");
    }

    /// Unlinks every device, for a reason in WhatsApp's words, such as `account_locked`.
    pub fn log_out_devices_for(&self, reason: &str) {
        self.service.with(|world| {
            for device in world.devices(self.id) {
                world.log_out(device, reason);
            }
        });
    }

    /// Switches the phone on or off. Linked devices work without it.
    pub fn set_online(&self, online: bool) {
        self.service.with(|world| world.phones[self.id.0].online = online);
    }
}
