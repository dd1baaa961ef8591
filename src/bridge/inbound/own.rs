//! The chat with oneself. It holds private notes of the account's owner, so nothing of it is stored or shown.

use crate::domain::account::Account;
use crate::domain::conversation::ChatKind;
use crate::domain::customer::Identity;
use crate::domain::whatsapp::{ChatSummary, PageEvent, WaContact, WhatsApp};

/// The account's own number and LID.
pub(crate) struct OwnIds(Vec<Identity>);

impl OwnIds {
    /// Reads the ids from the account and from the port's session.
    pub fn of(account: &Account, port: &dyn WhatsApp) -> Self {
        let session = port.session();
        let me = session.borrow().me.clone();
        let bound = account.phone.iter().map(Identity::phone);
        let linked = me.iter().map(|me| Identity::phone(&me.phone));
        let lid = me.iter().filter_map(|me| me.lid.as_deref()).map(Identity::lid);
        Self(bound.chain(linked).chain(lid).collect())
    }

    /// Returns whether a chat of this kind with this contact is the chat with oneself.
    pub fn is_own_chat(&self, kind: ChatKind, contact: &WaContact) -> bool {
        kind == ChatKind::Direct && contact.identities.iter().any(|identity| self.0.contains(identity))
    }

    /// Returns the events of other chats.
    pub fn without_notes(&self, mut events: Vec<PageEvent>) -> Vec<PageEvent> {
        events.retain(|event| !self.is_note(event));
        events
    }

    /// Returns the chats with others.
    pub fn without_own_chat(&self, mut chats: Vec<ChatSummary>) -> Vec<ChatSummary> {
        chats.retain(|chat| !self.is_own_chat(chat.kind, &chat.contact));
        chats
    }

    /// Returns whether an event is about the chat with oneself.
    pub fn is_note(&self, event: &PageEvent) -> bool {
        match (event, event.target()) {
            (PageEvent::Message(message), _) => self.is_own_chat(message.chat_kind, &message.contact),
            (_, Some(target)) => self.is_own_chat(target.chat_kind, &target.contact),
            // An ack names no person; it changes only messages that are stored.
            _ => false,
        }
    }
}
