//! Contents of events that an agent's client sends, as the Matrix specification defines them.

use serde_json::{Value, json};

use super::wire::Message;

/// An event to send: its type and content.
#[derive(Clone, Debug)]
pub struct Content {
    pub kind: String,
    pub content: Value,
}

impl Content {
    /// Creates a text (`m.text`).
    pub fn text(body: &str) -> Self {
        Self::message(json!({"msgtype": "m.text", "body": body}))
    }

    /// Creates a notice (`m.notice`), as bots send it.
    pub fn notice(body: &str) -> Self {
        Self::message(json!({"msgtype": "m.notice", "body": body}))
    }

    /// Creates an edit of our own earlier message.
    pub fn edit(event_id: &str, body: &str) -> Self {
        Self::message(json!({
            "msgtype": "m.text",
            "body": format!("* {body}"),
            "m.new_content": {"msgtype": "m.text", "body": body},
            "m.relates_to": {"rel_type": "m.replace", "event_id": event_id},
        }))
    }

    /// Creates a reply, as current clients send it.
    pub fn reply(event_id: &str, body: &str) -> Self {
        Self::message(json!({
            "msgtype": "m.text", "body": body, "m.relates_to": {"m.in_reply_to": {"event_id": event_id}},
        }))
    }

    /// Creates a reply as older clients send it: with the answered text quoted in the body.
    pub fn reply_with_fallback(to: &Message, body: &str) -> Self {
        let mut quote = to
            .body()
            .lines()
            .map(|line| format!("> {line}"))
            .collect::<Vec<_>>()
            .join("\n");
        quote.insert_str(2.min(quote.len()), &format!("<{}> ", to.sender));
        Self::message(json!({
            "msgtype": "m.text",
            "body": format!("{quote}\n\n{body}"),
            "format": "org.matrix.custom.html",
            "formatted_body": format!("<mx-reply><blockquote>{}</blockquote></mx-reply>{body}", to.body()),
            "m.relates_to": {"m.in_reply_to": {"event_id": to.event_id}},
        }))
    }

    /// Creates a message in the thread that starts with `root`.
    pub fn thread(root: &str, body: &str) -> Self {
        Self::message(json!({
            "msgtype": "m.text", "body": body,
            "m.relates_to": {
                "rel_type": "m.thread", "event_id": root, "is_falling_back": true, "m.in_reply_to": {"event_id": root},
            },
        }))
    }

    /// Creates a reaction; `key` is the emoji.
    pub fn reaction(event_id: &str, key: &str) -> Self {
        let relation = json!({"rel_type": "m.annotation", "event_id": event_id, "key": key});
        Self {
            kind: "m.reaction".to_owned(),
            content: json!({"m.relates_to": relation}),
        }
    }

    /// Creates an `m.room.message` with any content.
    pub fn message(content: Value) -> Self {
        Self {
            kind: "m.room.message".to_owned(),
            content,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reply_fallback_quotes_each_line_and_writer() {
        let to = serde_json::json!({
            "room_id": "!r", "event_id": "$e", "sender": "@a:x", "kind": "m.room.message", "content": {"body": "one\ntwo"},
            "timestamp": 0, "encrypted": false, "readable": true, "redacted": false,
        });
        let reply = Content::reply_with_fallback(&serde_json::from_value(to).unwrap(), "three");
        assert_eq!(reply.content["body"], "> <@a:x> one\n> two\n\nthree");
    }
}
