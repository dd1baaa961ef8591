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
    pub id: String,
    pub chat: String,
    pub from_me: bool,
    pub sender: Option<String>,
    /// Time of sending, in seconds since the epoch.
    pub t: Number,
    pub kind: String,
    pub ack: i32,
    pub body: Option<String>,
    pub caption: Option<String>,
    /// Stanza id of the quoted message.
    pub quoted: Option<String>,
    pub seconds: Option<Value>,
    pub file_name: Option<String>,
    pub title: Option<String>,
    #[serde(default)]
    pub view_once: bool,
    pub media: Option<WireMedium>,
    pub edited: Option<Number>,
    pub reactions: Option<Vec<WireReaction>>,
    pub votes: Option<Vec<WireVote>>,
    /// Read leniently, field by field: a message is not lost for an odd detail.
    pub details: Option<Value>,
    pub contact: WirePerson,
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
