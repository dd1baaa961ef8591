//! State of an agent's client, as far as it has reported it.

use std::collections::HashMap;

use super::wire::{Line, Message, Receipt, Room, Typing};

/// The client's rooms and their timelines. Read it through `Agent::look`, or wait on it with `Agent::until`.
#[derive(Debug, Default)]
pub struct Mirror {
    rooms: HashMap<String, Room>,
    timelines: HashMap<String, Timeline>,
    typing: HashMap<String, Vec<String>>,
    /// Last event that a user has read in a room, by room and user.
    receipts: HashMap<(String, String), String>,
    trouble: Vec<String>,
    /// Reason why the client has ended.
    ended: Option<String>,
}

#[derive(Debug, Default)]
struct Timeline {
    messages: Vec<Message>,
    places: HashMap<String, usize>,
}

impl Mirror {
    /// Applies a line of the client's process.
    pub(super) fn take(&mut self, line: Line) {
        match line {
            Line::Room(room) => {
                self.rooms.insert(room.room_id.clone(), room);
            }
            Line::Message(message) => self
                .timelines
                .entry(message.room_id.clone())
                .or_default()
                .take(*message),
            Line::Receipt(Receipt {
                room_id,
                user_id,
                event_id,
            }) => {
                self.receipts.insert((room_id, user_id), event_id);
            }
            Line::Typing(Typing { room_id, users }) => {
                self.typing.insert(room_id, users);
            }
            Line::Trouble(trouble) => self.trouble.push(trouble),
            Line::Reply(_) => {}
        }
    }

    /// Notes that the client has ended, and why.
    pub(super) fn end(&mut self, why: String) {
        self.ended = Some(why);
    }

    /// Returns why the client has ended, if it has.
    pub(super) fn ended(&self) -> Option<&str> {
        self.ended.as_deref()
    }

    /// Returns errors of the client that belong to no command; a test may require that there are none.
    pub fn trouble(&self) -> &[String] {
        &self.trouble
    }

    /// Returns every room that the client knows, in no order.
    pub fn rooms(&self) -> impl Iterator<Item = &Room> {
        self.rooms.values()
    }

    /// Returns a room.
    pub fn room(&self, room_id: &str) -> Option<&Room> {
        self.rooms.get(room_id)
    }

    /// Returns the room's events, state events included, in the order in which the client received them.
    pub fn messages(&self, room_id: &str) -> &[Message] {
        self.timelines.get(room_id).map_or(&[], |timeline| &timeline.messages)
    }

    /// Returns an event of a room.
    pub fn message(&self, room_id: &str, event_id: &str) -> Option<&Message> {
        let timeline = self.timelines.get(room_id)?;
        timeline.messages.get(*timeline.places.get(event_id)?)
    }

    /// Returns user and emoji of each reaction to the event, without redacted ones.
    pub fn reactions<'a>(&'a self, room_id: &str, event_id: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.messages(room_id)
            .iter()
            .filter(move |message| !message.redacted && message.related("m.annotation") == Some(event_id))
            .filter_map(|message| Some((message.sender.as_str(), message.relates_to.as_ref()?["key"].as_str()?)))
    }

    /// Returns the users who are typing in the room.
    pub fn typing(&self, room_id: &str) -> &[String] {
        self.typing.get(room_id).map_or(&[], Vec::as_slice)
    }

    /// Returns whether the user has read this event or a later one.
    pub fn has_read(&self, room_id: &str, user_id: &str, event_id: &str) -> bool {
        let place = |event_id: &str| self.timelines.get(room_id)?.places.get(event_id).copied();
        let receipt = self.receipts.get(&(room_id.to_owned(), user_id.to_owned()));
        match (place(event_id), receipt.and_then(|read| place(read))) {
            (Some(event), Some(read)) => read >= event,
            _ => false,
        }
    }
}

impl Timeline {
    fn take(&mut self, message: Message) {
        if let Some(&place) = self.places.get(&message.event_id) {
            self.messages[place] = message;
        } else {
            self.places.insert(message.event_id.clone(), self.messages.len());
            self.messages.push(message);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mirror(lines: impl IntoIterator<Item = serde_json::Value>) -> Mirror {
        let mut mirror = Mirror::default();
        for line in lines {
            mirror.take(serde_json::from_value(line).unwrap());
        }
        mirror
    }

    fn message(event_id: &str, relates_to: &serde_json::Value, redacted: bool) -> serde_json::Value {
        json!({"message": {
            "room_id": "!r", "event_id": event_id, "sender": "@a:x", "kind": "m.room.message", "content": {},
            "relates_to": relates_to, "timestamp": 0, "encrypted": false, "readable": true, "redacted": redacted,
        }})
    }

    #[test]
    fn receipt_covers_events_up_to_it() {
        let receipt = json!({"receipt": {"room_id": "!r", "user_id": "@b:x", "event_id": "$2"}});
        let messages = ["$1", "$2", "$3"].map(|id| message(id, &json!(null), false));
        let mirror = mirror(messages.into_iter().chain([receipt]));
        let read = ["$1", "$2", "$3", "$unknown"].map(|id| mirror.has_read("!r", "@b:x", id));
        assert_eq!(read, [true, true, false, false]);
    }

    #[test]
    fn reaction_counts_until_redacted() {
        let relation = json!({"rel_type": "m.annotation", "event_id": "$1", "key": "✓"});
        let mut mirror = mirror([message("$1", &json!(null), false), message("$2", &relation, false)]);
        assert_eq!(mirror.reactions("!r", "$1").collect::<Vec<_>>(), [("@a:x", "✓")]);
        mirror.take(serde_json::from_value(message("$2", &relation, true)).unwrap());
        assert_eq!(mirror.reactions("!r", "$1").count(), 0);
        assert_eq!(
            mirror.messages("!r").len(),
            2,
            "what is said again is not another message"
        );
    }
}
