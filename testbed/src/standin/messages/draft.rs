//! Constructors of drafts, and their conversion to a message's body.

use serde_json::{Map, Value, json};

use super::attachment::Attachment;
use super::body::{Body, CHAT};
use super::doings::Draft;
use crate::standin::world::World;

impl Draft {
    /// Creates a text.
    pub fn text(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            ..Self::default()
        }
    }

    /// Creates a medium. Its caption is the message's text.
    pub fn attachment(attachment: Attachment) -> Self {
        Self {
            attachment: Some(attachment),
            ..Self::default()
        }
    }

    /// Creates a location with an optional name.
    pub fn location<'a>(lat: f64, lng: f64, name: impl Into<Option<&'a str>>) -> Self {
        Self::raw(
            "location",
            json!({ "lat": lat, "lng": lng, "loc": name.into().unwrap_or_default() }),
        )
    }

    /// Creates a live location; [`Customer::move_to`](super::Customer::move_to) moves it.
    pub fn live_location(lat: f64, lng: f64, seconds: u32) -> Self {
        let fields = json!({ "lat": lat, "lng": lng, "isLive": true, "shareDuration": seconds, "sequence": 1 });
        Self::raw("location", fields)
    }

    /// Creates a contact.
    pub fn contact(name: &str, vcard: &str) -> Self {
        Self::raw("vcard", json!({ "body": vcard, "vcardFormattedName": name }))
    }

    /// Creates several contacts in one message: name and vCard of each.
    pub fn contacts(cards: &[(&str, &str)]) -> Self {
        let card = |(name, vcard): &(&str, &str)| json!({ "displayName": name, "vcard": vcard });
        let cards: Vec<Value> = cards.iter().map(card).collect();
        Self::raw("multi_vcard", json!({ "vcardList": cards }))
    }

    /// Creates a poll; `selectable` is the number of options that one person may choose, 0 for any.
    pub fn poll<T: AsRef<str>>(question: &str, options: &[T], selectable: u32) -> Self {
        let option = |(number, name): (usize, &T)| json!({ "name": name.as_ref(), "localId": number });
        let options: Vec<Value> = options.iter().enumerate().map(option).collect();
        Self::raw(
            "poll_creation",
            json!({ "pollName": question, "pollOptions": options, "pollSelectableOptionsCount": selectable }),
        )
    }

    /// Creates the notice of a missed call.
    pub fn missed_call(video: bool) -> Self {
        let subtype = if video { "miss_video" } else { "miss" };
        Self::raw(
            "call_log",
            json!({ "subtype": subtype, "isVideoCall": video, "callOutcome": "Missed" }),
        )
    }

    /// Creates a message of any type, with fields as the page's models have them.
    pub fn raw(kind: &str, fields: Value) -> Self {
        Self {
            kind: Some(kind.to_owned()),
            fields: if let Value::Object(fields) = fields {
                fields
            } else {
                Map::new()
            },
            ..Self::default()
        }
    }

    /// Returns the message's text, or its medium's caption.
    pub(crate) fn says(&self) -> String {
        let caption = self
            .attachment
            .as_ref()
            .and_then(|attachment| attachment.caption.clone());
        if self.text.is_empty() {
            caption.unwrap_or_default()
        } else {
            self.text.clone()
        }
    }
}

impl World {
    /// Returns a draft's body, and uploads its attachment.
    pub(crate) fn body_of(&mut self, stanza_id: &str, draft: &Draft) -> Body {
        let mut body = match &draft.attachment {
            Some(attachment) => Body::of(attachment.kind.message_type(), self.upload(attachment)),
            None => Body::of(draft.kind.as_deref().unwrap_or(CHAT), Map::new()),
        };
        // Last, so that a test can make a message say something wrong about its medium.
        body.fields.extend(draft.fields.clone());
        if draft.forwarded {
            body.set("isForwarded", true);
            body.set("forwardingScore", 1);
        }
        if !draft.mentions.is_empty() {
            body.set("mentionedJidList", json!(draft.mentions));
        }
        if let Some(seconds) = draft.expires_after_s {
            body.set("ephemeralDuration", seconds);
        }
        self.carry_medium(stanza_id, &body);
        body
    }
}
