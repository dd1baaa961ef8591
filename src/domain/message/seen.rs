//! A message's revision: changes whenever people change its text, its time, our reaction, or how it stands before WhatsApp
//! has it. Ticks and what customers do with it are no part of it, so that they hold nobody's change back.

use super::{Message, MessageState};
use crate::domain::revision::{different_fields, of_fields};

impl Message {
    /// Returns the revision, in characters that are valid in an `ETag`.
    pub fn revision(&self) -> String {
        of_fields(self.id, &self.fields())
    }

    /// Returns the names of the fields that differ from an earlier revision.
    pub fn differences(&self, known: &str) -> Vec<&'static str> {
        different_fields(known, self.id, &self.fields())
    }

    fn fields(&self) -> [(&'static str, Option<String>); 5] {
        let state = if self.state.is_with_whatsapp() {
            MessageState::Sent
        } else {
            self.state
        };
        let waiting = self.waiting.filter(|_| self.state.is_for_later());
        let ours = self.shown_reactions().find(|reaction| reaction.from_me);
        [
            ("content", Some(self.content.clone())),
            ("state", Some(state.to_string())),
            ("send_at", waiting.map(|waiting| waiting.until.to_string())),
            ("reactions", ours.map(|reaction| reaction.emoji.clone())),
            ("deleted_at", self.deleted_at.map(|at| at.to_string())),
        ]
    }
}
