//! Details of a message besides its text, medium and reactions: a location, a contact card, a poll. One object for all
//! kinds, with only the fields that a message has. Stored as JSON in the message's row; its JSON outside is
//! `contract::DetailsView`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::signature::Signature;
use crate::domain::{MessageId, Timestamp, WaMessageId, WaUserId};

/// Details of a message. A field that the message does not have is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a mark of its own that a message has or has not"
)]
pub struct Details {
    /// Whether it was forwarded from another chat.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub forwarded: bool,
    /// Whether it can be viewed once, on the phone; its medium is never stored here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub view_once: bool,
    /// Whether it is a video that plays by itself, in a loop, without sound.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub animated: bool,
    /// Seconds after writing when it disappears.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_after_s: Option<u32>,
    /// Whether its content was deleted because its time was over.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub disappeared: bool,
    /// Length of a voice note, audio or video, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_s: Option<u32>,
    /// Loudness of a voice note over its length: up to 64 numbers from 0 to 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waveform: Vec<u8>,
    /// Width of an image or video, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height of an image or video, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// People who are mentioned in the text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mention>,
    /// Place of a location message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// Cards of a contact message.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<ContactCard>,
    /// Poll of a poll message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poll: Option<Poll>,
    /// Message that it replies to, if that is not stored here; else `reply_to` names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
    /// Advertisement by which the person came to write this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ad: Option<Ad>,
    /// Whether people in the chat keep it, so that it does not disappear in its time.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub kept: bool,
    /// Whether it was sent without the message that it replies to, because WhatsApp no longer had that one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub quote_lost: bool,
    /// Name of the group's admin who deleted it, if that was not its author.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<String>,
    /// Signature of the agent who wrote it, at the end of the text; an edit keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
    /// Message whose content it is, if a person at the desk forwarded it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forwarded_from: Option<MessageId>,
    /// Subject of a system notice: `number_changed`, `call_missed`, `member_added` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// For an unknown kind: WhatsApp's own name of it, and its data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<serde_json::Value>,
}

impl Details {
    /// Returns when a message written at `written` disappears. WhatsApp counts from the time of writing. A message that is
    /// kept stays.
    pub fn disappears_at(&self, written: Timestamp) -> Option<Timestamp> {
        let seconds = self.expires_after_s.filter(|_| !self.kept)?;
        Some(written.plus(Duration::from_secs(u64::from(seconds))))
    }

    /// Returns `None` if no field is set.
    pub fn into_option(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}

/// A person who is mentioned in a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// User as the text has it after `@`.
    pub user: WaUserId,
    /// Name of the person, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The quoted message, as the reply contains it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Stanza id of the quoted message.
    pub whatsapp_id: WaMessageId,
    /// Name of its author, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Beginning of its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Whether it is a status, which no conversation shows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_status: bool,
}

/// An advertisement that led a person to the chat ("click to WhatsApp").
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ad {
    /// Title of the advertisement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Address of the advertisement, `http` or `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Id of the advertisement at its platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
}

/// A place, or a live location.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Location {
    /// Latitude in degrees, north positive.
    pub latitude: f64,
    /// Longitude in degrees, east positive.
    pub longitude: f64,
    /// Name of the place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Postal address of the place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// End of a live location; the position above is the last one that was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_until: Option<Timestamp>,
}

/// A contact card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactCard {
    /// Name on the card.
    pub name: String,
    /// The card as a vCard (RFC 2426), as it was sent.
    pub vcard: String,
}

/// A poll and its votes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poll {
    /// Question of the poll.
    pub question: String,
    /// Options, in order.
    pub options: Vec<String>,
    /// How many options one person may choose; 0 means any number.
    pub selectable: u32,
    /// Votes: each voter once, with their last choice.
    #[serde(default)]
    pub votes: Vec<PollVote>,
    /// Ids of the options in the room's event, if an agent made the poll there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
}

/// The present choice of one voter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollVote {
    /// Whether our account voted.
    pub from_me: bool,
    /// In a group: the member who voted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<WaUserId>,
    /// Name of the voter.
    pub name: String,
    /// Options that were chosen.
    pub options: Vec<String>,
    /// Time of the vote.
    pub at: Timestamp,
}
