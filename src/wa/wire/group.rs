//! A group in the page's JSON.

use serde::Deserialize;
use serde_json::Value;

use super::ids::chat_kind;
use super::lenient::{field, list, text};
use super::person::WirePerson;
use crate::domain::conversation::ChatKind;
use crate::domain::display_name;
use crate::domain::whatsapp::{WaGroup, WaParticipant};
use crate::domain::{ChatId, WaUserId};

/// Maximum number of members kept of a group. WhatsApp allows 1,024.
const MAX_PARTICIPANTS: usize = 2048;

/// One group as the page reports it.
#[derive(Debug, Deserialize)]
pub(super) struct WireGroup {
    chat: String,
    #[serde(default)]
    name: Value,
    #[serde(default)]
    participants: Value,
}

impl WireGroup {
    /// Converts to the domain's type. `participants` is none if the page does not know them.
    pub fn domain(self) -> Result<WaGroup, String> {
        if chat_kind(&self.chat)? != ChatKind::Group {
            return Err("the event of a group has the chat of a person".to_owned());
        }
        let known = self.participants.is_array();
        let wrapped = serde_json::json!({ "participants": self.participants });
        let participants = list(&wrapped, "participants", MAX_PARTICIPANTS).filter_map(participant);
        Ok(WaGroup {
            chat: ChatId(self.chat),
            name: self.name.as_str().and_then(display_name::clean),
            participants: known.then(|| participants.collect()),
        })
    }
}

fn participant(value: &Value) -> Option<WaParticipant> {
    Some(WaParticipant {
        user: WaUserId(text(value, "id")?),
        contact: field::<WirePerson>(value, "contact")?.domain(),
        from_me: field(value, "me").unwrap_or(false),
        is_admin: field(value, "admin").unwrap_or(false),
    })
}
