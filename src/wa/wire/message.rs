//! The shape of a message in the page's JSON.

use serde::Deserialize;
use serde_json::{Number, Value};

use super::media::WireMedium;
use super::person::WirePerson;
use super::reaction::{WireReaction, WireVote};
use crate::domain::details::Details;
use crate::domain::media::clean_filename;
use crate::domain::whatsapp::WaMedia;

/// One message as the page reports it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireMessage {
    /// Stanza id.
    pub id: String,
    /// Id of the chat.
    pub chat: String,
    /// Whether this account sent it.
    pub from_me: bool,
    /// Id of the sender; WhatsApp's own notices in a group may have none.
    pub sender: Option<String>,
    /// Time of sending, in seconds since the epoch.
    pub t: Number,
    /// Type, in WhatsApp Web's words.
    pub kind: String,
    /// WhatsApp's ack level.
    pub ack: i32,
    /// Text.
    pub body: Option<String>,
    /// Caption of a medium.
    pub caption: Option<String>,
    /// Stanza id of the quoted message.
    pub quoted: Option<String>,
    /// Length of a recording, in seconds, as a number or as text.
    pub seconds: Option<Value>,
    /// File name of a medium.
    pub file_name: Option<String>,
    /// Title of a place, a contact card, a poll or a document.
    pub title: Option<String>,
    /// Whether it is a view-once message.
    #[serde(default)]
    pub view_once: bool,
    /// The medium, if it has one.
    pub media: Option<WireMedium>,
    /// Time of the last edit.
    pub edited: Option<Number>,
    /// All reactions; none if the page did not report them.
    pub reactions: Option<Vec<WireReaction>>,
    /// All votes of a poll; none if the page did not report them.
    pub votes: Option<Vec<WireVote>>,
    /// Read leniently, field by field: a message is not lost for an odd detail.
    pub details: Option<Value>,
    /// The customer of a direct chat, or the author in a group.
    pub contact: WirePerson,
    /// Name of a group.
    pub chat_name: Option<String>,
}

impl WireMessage {
    /// Returns the message's medium. A view-once or deleted message has none.
    pub fn wa_media(&self) -> Option<WaMedia> {
        self.media
            .as_ref()
            .filter(|_| !self.view_once && self.kind != "revoked")
            .map(WireMedium::domain)
    }

    /// Adds length, size and waveform of the medium to `details`.
    pub fn describe_media(&self, details: &mut Details) {
        details.view_once = self.view_once;
        details.duration_s = WireMedium::duration_s(self.seconds.as_ref());
        let Some(media) = &self.media else { return };
        media.describe(details);
        details.animated |= self.kind == "ptv";
    }

    /// Returns the file name of a document, cleaned.
    pub fn document_name(&self) -> Option<String> {
        let of_medium = self.media.as_ref().and_then(WireMedium::file_name);
        self.file_name.as_deref().or(of_medium).and_then(clean_filename)
    }
}
