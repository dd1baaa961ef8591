//! The events that we send into rooms.

use serde_json::{Value, json};

use crate::domain::MatrixEventId;
use crate::domain::matrix::{MAX_ROOM_TEXT, RoomContent, RoomFile, TxnId};

/// Key under which every event of ours carries its transaction id, also inside the encryption (rule 18).
pub const TXN_KEY: &str = "crm.transaction_id";
/// Maximum length of a text that also gets an HTML body, in bytes: an event holds 65,536 in all, and encryption adds a
/// third.
const MAX_FORMATTED: usize = MAX_ROOM_TEXT / 4;

/// An event to send.
pub struct Outgoing {
    /// Its type, such as `m.room.message`.
    pub kind: &'static str,
    /// Its content.
    pub content: Value,
}

/// Builds the event for `content`, with its transaction id. `author` is put before a text whose sender in Matrix is not
/// the speaker.
pub fn outgoing(content: &RoomContent, author: Option<&str>, txn: &TxnId) -> Outgoing {
    let (kind, mut content) = match content {
        RoomContent::Text { body, reply_to } => {
            let text = match author {
                Some(author) => text_of(author, body),
                None => json!({"msgtype": "m.text", "body": body}),
            };
            (
                "m.room.message",
                replying(text, reply_to.as_ref().map(MatrixEventId::as_str)),
            )
        }
        RoomContent::File { file, reply_to } => (
            "m.room.message",
            replying(file_of(author, file), reply_to.as_ref().map(MatrixEventId::as_str)),
        ),
        RoomContent::Notice { body, reply_to } => {
            let notice = json!({"msgtype": "m.notice", "body": body});
            (
                "m.room.message",
                replying(notice, reply_to.as_ref().map(MatrixEventId::as_str)),
            )
        }
        RoomContent::Reaction { to, key } => {
            let relation = json!({"rel_type": "m.annotation", "event_id": to.as_str(), "key": key});
            ("m.reaction", json!({"m.relates_to": relation}))
        }
    };
    content[TXN_KEY] = json!(txn.0);
    Outgoing { kind, content }
}

/// Builds a text with the author's name in the body, because hardly any client shows per-message profiles yet. The name
/// is marked as a fallback, so that clients that do can leave it out (MSC4144).
fn text_of(author: &str, body: &str) -> Value {
    // A quote begins a line, or it is none.
    let (gap, html_gap) = if body.starts_with("> ") {
        ("\n", "<br>")
    } else {
        (" ", " ")
    };
    let mut content = json!({
        "msgtype": "m.text",
        "body": format!("{author}:{gap}{body}"),
        "com.beeper.per_message_profile": {"id": author, "displayname": author, "has_fallback": true},
    });
    if body.len() <= MAX_FORMATTED {
        content["format"] = json!("org.matrix.custom.html");
        content["formatted_body"] = json!(format!(
            "<strong data-mx-profile-fallback>{}:{html_gap}</strong>{}",
            escaped(author),
            escaped(body)
        ));
    }
    content
}

/// Builds a file's content but for where it is. A name goes before the caption; where there is none, before the file's
/// name, which clients then show as a caption (Matrix 1.10).
fn file_of(author: Option<&str>, file: &RoomFile) -> Value {
    let kind = match file.mimetype.split('/').next() {
        Some("image") => "m.image",
        Some("video") => "m.video",
        Some("audio") => "m.audio",
        _ => "m.file",
    };
    let said = file.caption.as_deref().unwrap_or(&file.name);
    let mut content = match author {
        Some(author) => text_of(author, said),
        None => json!({"body": said}),
    };
    content["msgtype"] = json!(kind);
    content["filename"] = json!(file.name);
    content["info"] = json!({"mimetype": file.mimetype, "size": file.size});
    content
}

fn replying(mut content: Value, to: Option<&str>) -> Value {
    // Empty mentions: a client must not search the text, or a customer who writes an agent's name notifies them twice.
    content["m.mentions"] = json!({});
    if let Some(to) = to {
        content["m.relates_to"] = json!({"m.in_reply_to": {"event_id": to}});
    }
    content
}

/// Escapes a text as HTML.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\n' => html.push_str("<br>"),
            c => html.push(c),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    fn txn() -> TxnId {
        TxnId("i.1.0".to_owned())
    }

    #[test]
    fn customer_text_has_name_and_escaped_html() {
        let content = RoomContent::Text {
            body: "a < b\n& c".to_owned(),
            reply_to: Some("$q".into()),
        };
        let Outgoing { kind, content } = outgoing(&content, Some("Ada <b>"), &txn());
        assert_eq!(kind, "m.room.message");
        assert_eq!(
            content,
            json!({
                "msgtype": "m.text",
                "body": "Ada <b>: a < b\n& c",
                "format": "org.matrix.custom.html",
                "formatted_body":
                    "<strong data-mx-profile-fallback>Ada &lt;b&gt;: </strong>a &lt; b<br>&amp; c",
                "com.beeper.per_message_profile": {"id": "Ada <b>", "displayname": "Ada <b>", "has_fallback": true},
                "m.mentions": {},
                "m.relates_to": {"m.in_reply_to": {"event_id": "$q"}},
                "crm.transaction_id": "i.1.0",
            })
        );
    }

    #[test]
    fn file_has_kind_caption_and_name() {
        let file = |mimetype: &str, caption: Option<&str>| RoomContent::File {
            file: RoomFile {
                path: "/tmp/x".into(),
                name: "cat.png".to_owned(),
                mimetype: mimetype.to_owned(),
                size: 7,
                caption: caption.map(str::to_owned),
            },
            reply_to: None,
        };
        let Outgoing { kind, content } = outgoing(&file("image/png", Some("look")), None, &txn());
        assert_eq!(kind, "m.room.message");
        assert_eq!(
            content,
            json!({
                "msgtype": "m.image",
                "body": "look",
                "filename": "cat.png",
                "info": {"mimetype": "image/png", "size": 7},
                "m.mentions": {},
                "crm.transaction_id": "i.1.0",
            })
        );
        for (mimetype, kind) in [
            ("video/mp4", "m.video"),
            ("audio/ogg; codecs=opus", "m.audio"),
            ("application/pdf", "m.file"),
            ("", "m.file"),
        ] {
            let content = outgoing(&file(mimetype, None), Some("Ada"), &txn()).content;
            assert_eq!(
                (&content["msgtype"], &content["body"]),
                (&json!(kind), &json!("Ada: cat.png"))
            );
        }
    }

    #[test]
    fn notice_and_reaction_carry_transaction_id() {
        let notice = RoomContent::Notice {
            body: "not sent".to_owned(),
            reply_to: None,
        };
        let notice = outgoing(&notice, None, &txn()).content;
        assert_eq!(
            (&notice["msgtype"], &notice[TXN_KEY]),
            (&json!("m.notice"), &json!("i.1.0"))
        );
        let tick = RoomContent::Reaction {
            to: "$m".into(),
            key: "✓".to_owned(),
        };
        let Outgoing { kind, content } = outgoing(&tick, None, &txn());
        assert_eq!(kind, "m.reaction");
        let relation = json!({"rel_type": "m.annotation", "event_id": "$m", "key": "✓"});
        assert_eq!(
            (&content["m.relates_to"], &content[TXN_KEY]),
            (&relation, &json!("i.1.0"))
        );
    }

    /// An event holds 65,536 bytes; base64 of the ciphertext adds a third.
    #[test]
    fn longest_text_fits_encrypted_event() {
        let text = |body: String| RoomContent::Text {
            body,
            reply_to: Some("$q".into()),
        };
        for body in ["a".repeat(MAX_ROOM_TEXT), "\n\"".repeat(MAX_FORMATTED / 2)] {
            let size = outgoing(&text(body), Some(&"Ada".repeat(30)), &txn())
                .content
                .to_string()
                .len();
            assert!(size * 4 / 3 < 60_000, "{size}");
        }
    }
}
