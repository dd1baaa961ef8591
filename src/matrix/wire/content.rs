//! The events that we send into rooms.

use serde_json::{Value, json};

use crate::domain::MatrixEventId;
use crate::domain::matrix::{MAX_ROOM_TEXT, RoomContent, RoomFile, Thumbnail, TxnId};
use crate::domain::media::FileKind;
use crate::domain::shown::Link;

use super::kinds::{links, polls, status};
use super::marks;

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
        RoomContent::Text { body, reply_to, links } => {
            let text = text_of(author, body, links);
            let mut text = replying(text, reply_to.as_ref().map(MatrixEventId::as_str));
            links::mention(links, &mut text);
            ("m.room.message", text)
        }
        RoomContent::Edit { of, body } => ("m.room.message", edit_of(author, of, body)),
        RoomContent::Place {
            latitude,
            longitude,
            body,
            reply_to,
        } => {
            let mut place = text_of(author, body, &[]);
            place["msgtype"] = json!("m.location");
            place["geo_uri"] = json!(format!("geo:{latitude},{longitude}"));
            (
                "m.room.message",
                replying(place, reply_to.as_ref().map(MatrixEventId::as_str)),
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
        RoomContent::Card { body, of } => ("m.room.message", card_of(body, of.as_ref())),
        RoomContent::Reaction { to, key } => {
            let relation = json!({"rel_type": "m.annotation", "event_id": to.as_str(), "key": key});
            ("m.reaction", json!({"m.relates_to": relation}))
        }
        RoomContent::Poll { poll, reply_to } => (
            polls::START,
            replying(polls::start(poll, author), reply_to.as_ref().map(MatrixEventId::as_str)),
        ),
        RoomContent::Vote { of, options } => (polls::RESPONSE, polls::response(of, options)),
        RoomContent::Status(status) => (status::KIND, status::content(status)),
    };
    content[TXN_KEY] = json!(txn.0);
    Outgoing { kind, content }
}

/// Builds a text, formatted where it has marks. A name of the author stands in the body, because hardly any client shows
/// per-message profiles yet. It is marked as a fallback, so that clients that do can leave it out (MSC4144).
fn text_of(author: Option<&str>, body: &str, links: &[Link]) -> Value {
    // A quote begins a line, or it is none.
    let (gap, html_gap) = if body.starts_with("> ") {
        ("\n", "<br>")
    } else {
        (" ", " ")
    };
    let html = (body.len() <= MAX_FORMATTED).then(|| marks::to_linked_html(body, &links::addresses(links)));
    let (body, html) = if let Some(author) = author {
        let name = marks::escaped(author);
        let html = html.map(|html| format!("<strong data-mx-profile-fallback>{name}:{html_gap}</strong>{html}"));
        (format!("{author}:{gap}{body}"), html)
    } else {
        let has_marks = |html: &String| *html != marks::escaped(body);
        (body.to_owned(), html.filter(has_marks))
    };
    let mut content = json!({"msgtype": "m.text", "body": body});
    if let Some(author) = author {
        let profile = json!({"id": author, "displayname": author, "has_fallback": true});
        content["com.beeper.per_message_profile"] = profile;
    }
    if let Some(html) = html {
        content["format"] = json!("org.matrix.custom.html");
        content["formatted_body"] = json!(html);
    }
    content
}

/// Builds an edit of a text of ours. Clients without edits show its body.
fn edit_of(author: Option<&str>, of: &MatrixEventId, body: &str) -> Value {
    let new = text_of(author, body, &[]);
    let shown = format!("* {}", new["body"].as_str().unwrap_or_default());
    json!({
        "msgtype": "m.text",
        "body": shown,
        "m.new_content": new,
        "m.mentions": {},
        "m.relates_to": {"rel_type": "m.replace", "event_id": of.as_str()},
    })
}

/// Builds a card, or its new text: a notice, so that nobody is notified.
fn card_of(body: &str, of: Option<&MatrixEventId>) -> Value {
    let card = json!({"msgtype": "m.notice", "body": body, "m.mentions": {}});
    match of {
        None => card,
        Some(of) => json!({
            "msgtype": "m.notice",
            "body": format!("* {body}"),
            "m.new_content": card,
            "m.mentions": {},
            "m.relates_to": {"rel_type": "m.replace", "event_id": of.as_str()},
        }),
    }
}

/// Builds a file's content but for where it is. A name goes before the caption; where there is none, before the file's
/// name, which clients then show as a caption (Matrix 1.10).
fn file_of(author: Option<&str>, file: &RoomFile) -> Value {
    let said = file.caption.as_deref().unwrap_or(&file.name);
    let mut content = match (&file.caption, author) {
        (None, None) => json!({"body": said}),
        _ => text_of(author, said, &[]),
    };
    content["msgtype"] = json!(msgtype(file.kind, &file.mimetype));
    content["filename"] = json!(file.name);
    let mut info = json!({"mimetype": file.mimetype, "size": file.size});
    if let Some((width, height)) = file.pixels {
        info["w"] = json!(width);
        info["h"] = json!(height);
    }
    let milliseconds = file.duration_s.map(|seconds| u64::from(seconds) * 1000);
    if let Some(milliseconds) = milliseconds {
        info["duration"] = json!(milliseconds);
    }
    if let Some(Thumbnail { bytes, pixels }) = &file.thumbnail {
        let (width, height) = pixels;
        info["thumbnail_info"] = json!({"mimetype": "image/jpeg", "size": bytes.len(), "w": width, "h": height});
    }
    if file.kind == FileKind::Gif {
        info["fi.mau.gif"] = json!(true);
        info["fi.mau.loop"] = json!(true);
        info["fi.mau.autoplay"] = json!(true);
    }
    content["info"] = info;
    if file.kind == FileKind::Voice {
        // MSC3245: clients show a voice note only with both.
        let loudness: Vec<u32> = file.waveform.iter().map(|level| loudness(*level)).collect();
        content["org.matrix.msc3245.voice"] = json!({});
        content["org.matrix.msc1767.audio"] =
            json!({"duration": milliseconds.unwrap_or_default(), "waveform": loudness});
    }
    content
}

/// Returns the type of a file's message. A file that no client could play is shown as a download.
fn msgtype(kind: FileKind, mimetype: &str) -> &'static str {
    match (kind, mimetype.split('/').next()) {
        (FileKind::Document, _) => "m.file",
        (_, Some("image")) => "m.image",
        (_, Some("video")) => "m.video",
        (_, Some("audio")) => "m.audio",
        _ => "m.file",
    }
}

/// Converts a loudness from 0 to 100 to that of Matrix, from 0 to 1024.
fn loudness(level: u8) -> u32 {
    u32::from(level.min(100)) * 1024 / 100
}

fn replying(mut content: Value, to: Option<&str>) -> Value {
    // Empty mentions: a client must not search the text, or a customer who writes an agent's name notifies them twice.
    content["m.mentions"] = json!({});
    if let Some(to) = to {
        content["m.relates_to"] = json!({"m.in_reply_to": {"event_id": to}});
    }
    content
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
            links: vec![],
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

    fn file(kind: FileKind, mimetype: &str, caption: Option<&str>) -> RoomFile {
        RoomFile {
            path: "/tmp/x".into(),
            name: "cat.png".to_owned(),
            mimetype: mimetype.to_owned(),
            size: 7,
            caption: caption.map(str::to_owned),
            kind,
            pixels: None,
            duration_s: None,
            waveform: vec![],
            thumbnail: None,
        }
    }

    fn sent(file: RoomFile, author: Option<&str>) -> Value {
        outgoing(&RoomContent::File { file, reply_to: None }, author, &txn()).content
    }

    #[test]
    fn file_has_kind_caption_and_name() {
        let image = RoomFile {
            pixels: Some((3, 4)),
            ..file(FileKind::Image, "image/png", Some("look"))
        };
        assert_eq!(
            sent(image, None),
            json!({
                "msgtype": "m.image",
                "body": "look",
                "filename": "cat.png",
                "info": {"mimetype": "image/png", "size": 7, "w": 3, "h": 4},
                "m.mentions": {},
                "crm.transaction_id": "i.1.0",
            })
        );
        for (kind, mimetype, msgtype) in [
            (FileKind::Video, "video/mp4", "m.video"),
            (FileKind::Gif, "video/mp4", "m.video"),
            (FileKind::Audio, "audio/mpeg", "m.audio"),
            (FileKind::Sticker, "image/webp", "m.image"),
            (FileKind::Document, "application/pdf", "m.file"),
            (FileKind::Document, "image/png", "m.file"),
            (FileKind::Image, "", "m.file"),
        ] {
            let content = sent(file(kind, mimetype, None), Some("Ada"));
            assert_eq!(
                (&content["msgtype"], &content["body"]),
                (&json!(msgtype), &json!("Ada: cat.png"))
            );
        }
    }

    #[test]
    fn voice_note_has_length_and_loudness() {
        let voice = RoomFile {
            duration_s: Some(3),
            waveform: vec![0, 50, 100],
            ..file(FileKind::Voice, "audio/ogg; codecs=opus", None)
        };
        let content = sent(voice, None);
        assert_eq!(content["msgtype"], "m.audio");
        assert_eq!(content["info"]["duration"], 3000);
        assert_eq!(content["org.matrix.msc3245.voice"], json!({}));
        assert_eq!(
            content["org.matrix.msc1767.audio"],
            json!({"duration": 3000, "waveform": [0, 512, 1024]})
        );
    }

    #[test]
    fn edit_replaces_text_and_has_fallback() {
        let edit = RoomContent::Edit {
            of: "$m".into(),
            body: "*three* cakes".to_owned(),
        };
        let content = outgoing(&edit, Some("Ada"), &txn()).content;
        assert_eq!(content["body"], "* Ada: *three* cakes");
        assert_eq!(content["m.new_content"]["body"], "Ada: *three* cakes");
        let html = "<strong data-mx-profile-fallback>Ada: </strong><strong>three</strong> cakes";
        assert_eq!(content["m.new_content"]["formatted_body"], html);
        assert_eq!(
            content["m.relates_to"],
            json!({"rel_type": "m.replace", "event_id": "$m"})
        );
        assert_eq!(content[TXN_KEY], "i.1.0");
    }

    #[test]
    fn place_has_address_and_line() {
        let place = RoomContent::Place {
            latitude: 51.5,
            longitude: -0.125,
            body: "[location: our shop]".to_owned(),
            reply_to: None,
        };
        let content = outgoing(&place, Some("Ada"), &txn()).content;
        assert_eq!(
            (&content["msgtype"], &content["geo_uri"], &content["body"]),
            (
                &json!("m.location"),
                &json!("geo:51.5,-0.125"),
                &json!("Ada: [location: our shop]")
            )
        );
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
            links: vec![],
        };
        for body in [
            "a".repeat(MAX_ROOM_TEXT),
            "\n\"".repeat(MAX_FORMATTED / 2),
            "*a* ".repeat(MAX_FORMATTED / 4),
        ] {
            let size = outgoing(&text(body), Some(&"Ada".repeat(30)), &txn())
                .content
                .to_string()
                .len();
            assert!(size * 4 / 3 < 60_000, "{size}");
        }
    }
}
