//! A phone of ours: it links browsers, writes, reads, logs devices out, and goes off.

use std::sync::Arc;

use super::device::DeviceId;
use super::doings::Draft;
use super::jid::Jid;
use super::pairing::LinkError;
use super::people::{CustomerId, PhoneId};
use super::service::Service;
use super::thread::{Message, Quote};
use super::wire::ToPage;
use super::world::World;

impl World {
    /// The phone's number, digits only.
    pub fn number(&self, phone: PhoneId) -> Option<&str> {
        self.phones.get(phone.0).map(|phone| phone.number.as_str())
    }

    pub(crate) fn phone_writes(&mut self, phone: PhoneId, customer: CustomerId, draft: &Draft) -> String {
        // Who writes on the phone has the chat open.
        self.phone_reads(phone, customer);
        let id = draft.id.clone().unwrap_or_else(|| self.phone_stanza_id());
        let body = self.body_of(&id, draft);
        let quote = draft.quote.as_ref().map(|quoted| {
            let text = self
                .thread_mut(phone, customer)
                .get(false, quoted)
                .map(|message| message.text.clone());
            Quote {
                id: quoted.clone(),
                from_me: false,
                text: text.unwrap_or_default(),
            }
        });
        let message = Self::new_message(id.clone(), true, draft.says());
        let message = Message {
            quote,
            body,
            t: draft.t.unwrap_or(message.t),
            ..message
        };
        self.send_text(phone, customer, message);
        id
    }

    pub(crate) fn phone_reads(&mut self, phone: PhoneId, customer: CustomerId) {
        let unread = self.thread_mut(phone, customer);
        let theirs = unread
            .messages
            .iter()
            .filter(|message| !message.from_me && message.ack < 3);
        let ids: Vec<String> = theirs.map(|message| message.id.clone()).collect();
        if !ids.is_empty() {
            self.mark_read(phone, customer, None, ids);
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

/// A handle on one of our phones.
#[derive(Clone)]
pub struct Phone {
    service: Arc<Service>,
    id: PhoneId,
}

impl Phone {
    pub(crate) fn new(service: Arc<Service>, id: PhoneId) -> Self {
        Self { service, id }
    }

    /// Which.
    pub fn id(&self) -> PhoneId {
        self.id
    }

    /// The number, digits only.
    pub fn number(&self) -> String {
        self.service.look(|world| world.phones[self.id.0].number.clone())
    }

    /// The account's LID.
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

    async fn linked(&self, id: DeviceId) -> Result<DeviceId, LinkError> {
        self.service
            .until(|world| match world.devices.get(&id) {
                None => Some(Err(LinkError::PageGone)),
                Some(device) => device.registered.then_some(Ok(id)),
            })
            .await
    }

    /// Writes to a customer. Gives the stanza id.
    pub fn send(&self, customer: CustomerId, text: &str) -> String {
        self.send_draft(customer, &Draft::text(text))
    }

    /// Sends a customer any message; it quotes one of theirs. Gives the stanza id.
    pub fn send_draft(&self, customer: CustomerId, draft: &Draft) -> String {
        self.service.with(|world| world.phone_writes(self.id, customer, draft))
    }

    /// Edits, deletes or reacts as one does on the phone.
    pub fn edit(&self, customer: CustomerId, id: &str, text: &str) {
        self.service.with(|world| {
            let edit = world.phone_stanza_id();
            world.edit(self.id, customer, None, (true, &edit, id), text);
        });
    }

    /// Deletes one of our messages for everyone.
    pub fn delete(&self, customer: CustomerId, id: &str) {
        self.service.with(|world| {
            let revoke = world.phone_stanza_id();
            world.revoke(self.id, customer, None, (true, &revoke, id));
        });
    }

    /// Opens a chat on the phone and reads it.
    pub fn read(&self, customer: CustomerId) {
        self.service.with(|world| world.phone_reads(self.id, customer));
    }

    /// The messages that this phone shows in a chat, its own and those of its linked devices.
    pub fn chat(&self, customer: CustomerId) -> Vec<Message> {
        let messages = |world: &World| world.thread(self.id, customer).map(|thread| thread.messages.clone());
        self.service.look(messages).unwrap_or_default()
    }

    /// The linked devices.
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
