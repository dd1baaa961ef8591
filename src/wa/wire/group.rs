//! A group as the page tells it.

use serde::Deserialize;
use serde_json::Value;

use super::lenient::{field, list, text};
use super::{WirePerson, chat_kind};
use crate::domain::conversation::ChatKind;
use crate::domain::whatsapp::{WaGroup, WaParticipant};
use crate::domain::{ChatId, WaUserId, display_name};

/// Most members of a group that are kept. WhatsApp takes 1,024 into one.
const MAX_PARTICIPANTS: usize = 2048;

#[derive(Debug, Deserialize)]
pub(super) struct WireGroup {
    chat: String,
    #[serde(default)]
    name: Value,
    #[serde(default)]
    participants: Value,
}

impl WireGroup {
    pub fn domain(self) -> Result<WaGroup, String> {
        if chat_kind(&self.chat)? != ChatKind::Group {
            return Err("a group that is none".to_owned());
        }
        let known = self.participants.is_array();
        let told = serde_json::json!({ "participants": self.participants });
        let participants = list(&told, "participants", MAX_PARTICIPANTS).filter_map(participant);
        Ok(WaGroup {
            chat: ChatId(self.chat),
            name: self.name.as_str().and_then(display_name::clean),
            participants: known.then(|| participants.collect()),
        })
    }
}

fn participant(told: &Value) -> Option<WaParticipant> {
    Some(WaParticipant {
        user: WaUserId(text(told, "id")?),
        contact: field::<WirePerson>(told, "contact")?.domain(),
        from_me: field(told, "me").unwrap_or(false),
        is_admin: field(told, "admin").unwrap_or(false),
    })
}
