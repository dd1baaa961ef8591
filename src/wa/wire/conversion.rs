//! The conversion of a message from the page's JSON to the domain's type.

use super::lenient::{moment, whole};
use super::message::WireMessage;
use super::{content, details, ids, notice};
use crate::domain::conversation::ChatKind;
use crate::domain::display_name;
use crate::domain::whatsapp::WaMessage;
use crate::domain::{ChatId, Timestamp, WaMessageId};

/// Parses one message, from an answer to a request for it.
pub fn message(raw: &str) -> Result<WaMessage, String> {
    let wire: WireMessage = serde_json::from_str(raw).map_err(|error| error.to_string())?;
    wire.domain()
}

impl WireMessage {
    /// Converts to the domain's type. Returns the reason if a field is not valid that a message cannot be stored
    /// without.
    pub(super) fn domain(self) -> Result<WaMessage, String> {
        let chat_kind = ids::chat_kind(&self.chat)?;
        let mut details = details::of(&self);
        self.describe_media(&mut details);
        let (kind, content) = content::of(&self, &details);
        let media = self.wa_media();
        let new_number = notice::new_number(&self, &details).filter(|_| chat_kind == ChatKind::Direct);
        let mut contact = self.contact.domain();
        let is_named = contact.saved_name.is_some() || contact.push_name.is_some();
        if !is_named && self.sender.as_deref().is_some_and(|sender| sender.ends_with("@bot")) {
            contact.push_name = Some("Bot".to_owned());
        }
        let is_notice = details.notice.is_some();
        // A group's message may be of somebody who is no person, such as a bot; a direct chat must have a customer.
        if contact.identities.is_empty() && !is_notice && chat_kind == ChatKind::Direct {
            return Err("the message has no sender with a known id".to_owned());
        }
        // WhatsApp's own notices in a group may have no sender.
        let sender = self.sender.or_else(|| is_notice.then(String::new));
        let sender = ids::sender_in(chat_kind, self.from_me, sender)?;
        let votes = self
            .votes
            .map(|votes| votes.into_iter().map(|vote| vote.domain(chat_kind)).collect());
        let reactions = self.reactions.map(|reactions| {
            let known = reactions.into_iter().map(|reaction| reaction.domain(chat_kind));
            known.collect()
        });
        Ok(WaMessage {
            id: ids::stanza_id(self.id)?,
            chat: ChatId(self.chat),
            chat_kind,
            contact,
            chat_name: self
                .chat_name
                .filter(|_| chat_kind == ChatKind::Group)
                .and_then(|name| display_name::clean(&name)),
            from_me: self.from_me,
            sender,
            timestamp: whole(&self.t)
                .map(Timestamp::from_seconds)
                .ok_or("the message's time is not a number")?,
            kind,
            content,
            ack: self.ack,
            quoted: self.quoted.map(WaMessageId),
            details: details.into_option(),
            media,
            edited_at: self.edited.as_ref().and_then(moment),
            is_deleted: self.kind == "revoked",
            reactions,
            votes,
            new_number,
        })
    }
}
