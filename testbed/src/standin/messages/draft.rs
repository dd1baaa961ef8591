//! The kinds of messages that people draft, and what the service makes of a draft.

use serde_json::{Map, Value, json};

use super::attachment::Attachment;
use super::body::{Body, CHAT};
use super::doings::Draft;
use crate::standin::world::World;

impl Draft {
    /// A plain text.
    pub fn text(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            ..Self::default()
        }
    }

    /// A medium. Its caption is the message's text.
    pub fn attachment(attachment: Attachment) -> Self {
        Self {
            attachment: Some(attachment),
            ..Self::default()
        }
    }

    /// A place, and what it is called.
    pub fn location<'a>(lat: f64, lng: f64, name: impl Into<Option<&'a str>>) -> Self {
        Self::raw(
            "location",
            json!({ "lat": lat, "lng": lng, "loc": name.into().unwrap_or_default() }),
        )
    }

    /// Where the sender is, for some time to come: [`Customer::move_to`](crate::standin::Customer::move_to) goes on from there.
    pub fn live_location(lat: f64, lng: f64, seconds: u32) -> Self {
        let fields = json!({ "lat": lat, "lng": lng, "isLive": true, "shareDuration": seconds, "sequence": 1 });
        Self::raw("location", fields)
    }

    /// A contact card.
    pub fn contact(name: &str, vcard: &str) -> Self {
        Self::raw("vcard", json!({ "body": vcard, "vcardFormattedName": name }))
    }

    /// Several contact cards: the name and the card of each.
    pub fn contacts(cards: &[(&str, &str)]) -> Self {
        let card = |(name, vcard): &(&str, &str)| json!({ "displayName": name, "vcard": vcard });
        let cards: Vec<Value> = cards.iter().map(card).collect();
        Self::raw("multi_vcard", json!({ "vcardList": cards }))
    }

    /// A question with options, of which so many may be chosen; 0 for any.
    pub fn poll<T: AsRef<str>>(question: &str, options: &[T], selectable: u32) -> Self {
        let option = |(number, name): (usize, &T)| json!({ "name": name.as_ref(), "localId": number });
        let options: Vec<Value> = options.iter().enumerate().map(option).collect();
        Self::raw(
            "poll_creation",
            json!({ "pollName": question, "pollOptions": options, "pollSelectableOptionsCount": selectable }),
        )
    }

    /// The notice of a call that nobody took.
    pub fn missed_call(video: bool) -> Self {
        let subtype = if video { "miss_video" } else { "miss" };
        Self::raw(
            "call_log",
            json!({ "subtype": subtype, "isVideoCall": video, "callOutcome": "Missed" }),
        )
    }

    /// A message of any type, with the fields that the page's models have of it.
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

    /// What the message says: its text, or what stands under its medium.
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
    /// Makes a draft's body, and uploads what is attached to it.
    pub(crate) fn body_of(&mut self, stanza_id: &str, draft: &Draft) -> Body {
        let mut body = match &draft.attachment {
            Some(attachment) => Body::of(attachment.kind.message_type(), self.upload(attachment)),
            None => Body::of(draft.kind.as_deref().unwrap_or(CHAT), Map::new()),
        };
        // Last, so that a test can let a message say of its medium what is not so.
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
