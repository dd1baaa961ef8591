//! Messages that change by themselves: disappearing messages and live locations.

use serde_json::{Map, Value, json};

use super::body::Body;
use super::thread::Message;
use crate::standin::clock::now_ms;
use crate::standin::net::stanza::Content;
use crate::standin::people::place::{Place, Sender};
use crate::standin::world::World;

impl World {
    /// Sets the timer of disappearing messages in a place, in seconds; 0 turns it off. The chat gets a notice.
    pub(crate) fn set_timer(&mut self, place: Place, sender: Sender, seconds: u32) {
        for phone in self.phones_in(place) {
            self.thread_mut(phone, place.chat()).timer = seconds;
        }
        let mut body = Body::of("protocol", Map::new());
        body.set("subtype", "ephemeral_setting");
        body.set("ephemeralDuration", seconds);
        body.set("ephemeralSettingTimestamp", now_ms() / 1000);
        let id = self.phone_stanza_id();
        let message = Message {
            body,
            ..Self::new_message(id, false, String::new())
        };
        self.post(place, sender, &message);
    }

    /// Returns the timer of disappearing messages in a place, if it is on.
    pub(crate) fn timer(&self, place: Place) -> Option<u32> {
        let phone = *self.phones_in(place).first()?;
        let timer = self.thread(phone, place.chat())?.timer;
        (timer > 0).then_some(timer)
    }

    /// Replaces fields of a message, such as a live location's when its sender moves.
    pub(crate) fn update(&mut self, place: Place, sender: Sender, target: &str, fields: &Map<String, Value>) {
        let (author, id) = (self.author(place, sender.who), self.phone_stanza_id());
        for phone in self.phones_in(place) {
            let thread = self.thread_mut(phone, place.chat());
            let Some(message) = thread.by(author.as_ref(), sender.is(phone), target) else {
                continue;
            };
            message.body.fields.extend(fields.clone());
            let content = Content::Update {
                target: target.to_owned(),
                fields: fields.clone(),
            };
            self.spread(phone, place, sender, (&id, now_ms() / 1000), content);
        }
    }

    /// Moves a live location.
    pub(crate) fn move_location(&mut self, place: Place, sender: Sender, target: &str, (lat, lng): (f64, f64)) {
        let author = self.author(place, sender.who);
        let phones = self.phones_in(place);
        let sequence = phones.into_iter().find_map(|phone| {
            let message = self
                .thread_mut(phone, place.chat())
                .by(author.as_ref(), sender.is(phone), target)?;
            message.body.number("sequence")
        });
        let moved = json!({ "lat": lat, "lng": lng, "sequence": sequence.unwrap_or(0) + 1 });
        if let Value::Object(fields) = moved {
            self.update(place, sender, target, &fields);
        }
    }
}
