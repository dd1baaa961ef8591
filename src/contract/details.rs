//! Details of a message besides its text, media and reactions. One object for all kinds, with only the parts that a
//! message has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::details::{Ad, ContactCard, Details, Location, Mention, Poll, PollVote, Quote};
use crate::domain::{MessageId, Timestamp, WaMessageId, WaUserId};

/// Details of a message. Every field is absent if the message does not have it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a mark of its own that a message has or has not"
)]
pub struct DetailsView {
    /// Whether it was forwarded from another chat.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub forwarded: bool,
    /// Whether it can be viewed once, on the phone: its medium is never stored here.
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
    pub mentions: Vec<MentionView>,
    /// Place of a location message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationView>,
    /// Cards of a contact message.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<ContactCardView>,
    /// Poll of a poll message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poll: Option<PollView>,
    /// Message that it replies to, if that is not stored here; otherwise `reply_to` names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<QuoteView>,
    /// Advertisement by which the person came to write this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ad: Option<AdView>,
    /// Whether people in the chat keep it, so that it does not disappear in its time.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub kept: bool,
    /// Whether it was sent without the message that it replies to, because WhatsApp no longer had that one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub quote_lost: bool,
    /// Name of the group's admin who deleted it, if that was not its author.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<String>,
    /// Signature of the agent who wrote it, at the end of the text. An edit names the text without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// Message whose content it is, if a person at the desk forwarded it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forwarded_from: Option<MessageId>,
    /// Subject of a system notice: `number_changed`, `call_missed`, `member_added` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// For an unknown kind: WhatsApp's own name of it, and its fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<serde_json::Value>,
}

/// A person who is mentioned in a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MentionView {
    /// User as the text has it after `@`.
    pub user: WaUserId,
    /// Name of the person, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A quoted message, as the reply contains it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuoteView {
    /// Stanza id of the quoted message.
    pub whatsapp_id: WaMessageId,
    /// Name of its author, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Beginning of its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Whether it is a status; absent if it is a message.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_status: bool,
}

/// An advertisement that led a person to the chat ("click to WhatsApp").
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdView {
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LocationView {
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
    /// End of a live location. The position is the last one that was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_until: Option<Timestamp>,
}

/// A contact card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactCardView {
    /// Name on the card.
    pub name: String,
    /// The card as a vCard (RFC 2426), as it was sent.
    pub vcard: String,
}

/// A poll and its votes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PollView {
    /// Question of the poll.
    pub question: String,
    /// Options, in order.
    pub options: Vec<String>,
    /// How many options one person may choose; 0 means any number.
    pub selectable: u32,
    /// Votes: each voter once, with their last choice.
    #[serde(default)]
    pub votes: Vec<PollVoteView>,
}

/// The last choice of one voter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PollVoteView {
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

impl From<Details> for DetailsView {
    fn from(details: Details) -> Self {
        Self {
            forwarded: details.forwarded,
            view_once: details.view_once,
            animated: details.animated,
            expires_after_s: details.expires_after_s,
            disappeared: details.disappeared,
            duration_s: details.duration_s,
            waveform: details.waveform,
            width: details.width,
            height: details.height,
            mentions: details.mentions.into_iter().map(Into::into).collect(),
            location: details.location.map(Into::into),
            contacts: details.contacts.into_iter().map(Into::into).collect(),
            poll: details.poll.map(Into::into),
            quote: details.quote.map(Into::into),
            ad: details.ad.map(Into::into),
            kept: details.kept,
            quote_lost: details.quote_lost,
            deleted_by: details.deleted_by,
            signature: details.signature.map(|text| text.as_str().to_owned()),
            forwarded_from: details.forwarded_from,
            notice: details.notice,
            raw: details.raw,
        }
    }
}

impl From<Mention> for MentionView {
    fn from(Mention { user, name }: Mention) -> Self {
        Self { user, name }
    }
}

impl From<Quote> for QuoteView {
    fn from(quote: Quote) -> Self {
        Self {
            whatsapp_id: quote.whatsapp_id,
            name: quote.name,
            content: quote.content,
            is_status: quote.is_status,
        }
    }
}

impl From<Ad> for AdView {
    fn from(Ad { title, url, source_id }: Ad) -> Self {
        Self { title, url, source_id }
    }
}

impl From<Location> for LocationView {
    fn from(location: Location) -> Self {
        Self {
            latitude: location.latitude,
            longitude: location.longitude,
            name: location.name,
            address: location.address,
            live_until: location.live_until,
        }
    }
}

impl From<ContactCard> for ContactCardView {
    fn from(ContactCard { name, vcard }: ContactCard) -> Self {
        Self { name, vcard }
    }
}

impl From<Poll> for PollView {
    fn from(poll: Poll) -> Self {
        Self {
            question: poll.question,
            options: poll.options,
            selectable: poll.selectable,
            votes: poll.votes.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<PollVote> for PollVoteView {
    fn from(vote: PollVote) -> Self {
        Self {
            from_me: vote.from_me,
            sender: vote.sender,
            name: vote.name,
            options: vote.options,
            at: vote.at,
        }
    }
}
