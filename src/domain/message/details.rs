//! What a message carries besides its text, its medium and its reactions: where a place lies, whose card it is, how a poll
//! stands. One object for all kinds, with only what a message has. Kept as JSON in the row of its message; its JSON outside is
//! `contract::DetailsView`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::{Timestamp, WaMessageId, WaUserId};

/// Everything is absent where a message does not have it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a mark of its own that a message has or has not"
)]
pub struct Details {
    /// It was passed on from another chat.
    #[serde(skip_serializing_if = "is_false")]
    pub forwarded: bool,
    /// It may be looked at once, on the phone: what it showed is never kept here.
    #[serde(skip_serializing_if = "is_false")]
    pub view_once: bool,
    /// A video that plays by itself, in a circle, without sound.
    #[serde(skip_serializing_if = "is_false")]
    pub animated: bool,
    /// It disappears this many seconds after it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_after_s: Option<u32>,
    /// What it said has disappeared, as its timer wanted.
    #[serde(skip_serializing_if = "is_false")]
    pub disappeared: bool,
    /// Length of a voice note, audio or video, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_s: Option<u32>,
    /// The loudness of a voice note over its length: up to 64 numbers from 0 to 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waveform: Vec<u8>,
    /// In pixels, of a picture or video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Who is called by name in the text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mention>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<ContactCard>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poll: Option<Poll>,
    /// What it replies to, where that is nothing that we have: else `reply_to` says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
    /// What a notice of WhatsApp's own is about: `number_changed`, `call_missed`, `member_added` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// Of a kind that we do not know: WhatsApp's own word for it, and what it came with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<serde_json::Value>,
}

impl Details {
    /// Returns when a message written at `written` disappears. WhatsApp counts from when it was written.
    pub fn disappears_at(&self, written: Timestamp) -> Option<Timestamp> {
        let seconds = self.expires_after_s?;
        Some(written.plus(Duration::from_secs(u64::from(seconds))))
    }

    /// Nothing at all is none.
    pub fn into_option(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}

/// Somebody who is called by name in a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// As the text has it after `@`.
    pub user: WaUserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What is quoted, as the reply tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    pub whatsapp_id: WaMessageId,
    /// Who wrote it, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The beginning of what it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Location {
    /// In degrees, north and east positive.
    pub latitude: f64,
    pub longitude: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Shared live: until when. The position above is the last that was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_until: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactCard {
    pub name: String,
    /// The card in vCard's own form (RFC 2426), as it was sent.
    pub vcard: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poll {
    pub question: String,
    pub options: Vec<String>,
    /// How many options one person may choose; 0: any number.
    pub selectable: u32,
    /// Each voter once, with the last choice that they made.
    #[serde(default)]
    pub votes: Vec<PollVote>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollVote {
    pub from_me: bool,
    /// In a group: which of its members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<WaUserId>,
    pub name: String,
    pub options: Vec<String>,
    pub at: Timestamp,
}

impl PollVote {
    /// Whether both are of the same person.
    pub fn is_of_same(&self, other: &Self) -> bool {
        self.from_me == other.from_me && (self.from_me || self.sender == other.sender)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_false(value: &bool) -> bool {
    !value
}
