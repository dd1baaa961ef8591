//! Events of a room, classified.

use matrix_sdk::ruma::events::room::MediaSource;
use matrix_sdk::ruma::serde::Raw;
use serde::Deserialize;
use serde_json::Value;

use crate::domain::details::Location;
use crate::domain::matrix::{Membership, RoomEvent, RoomEventKind, SentFile};
use crate::domain::media::FileKind;
use crate::domain::{MatrixEventId, MatrixRoomId, MatrixUserId, Timestamp};

use super::markup;

/// The fields that every event has.
#[derive(Deserialize)]
struct Wire {
    event_id: String,
    sender: String,
    /// Milliseconds since the epoch; a foreign homeserver may send anything.
    #[serde(default)]
    origin_server_ts: Value,
    #[serde(rename = "type")]
    kind: String,
    state_key: Option<String>,
    #[serde(default)]
    content: Value,
    /// Event that a redaction removes, in rooms before version 11; later it is in the content.
    redacts: Option<Value>,
}

/// Reads an event, decrypted where that was possible. Returns none for an event without an id or a sender.
pub fn read<T>(room: &MatrixRoomId, raw: &Raw<T>) -> Option<RoomEvent> {
    let wire: Wire = serde_json::from_str(raw.json().get())
        .inspect_err(|error| tracing::warn!(%room, "skipped an event without an id or a sender: {error}"))
        .ok()?;
    Some(RoomEvent {
        room: room.clone(),
        thread: thread(&wire.content).map(MatrixEventId::from),
        what: classify(&wire),
        id: MatrixEventId(wire.event_id),
        sender: MatrixUserId(wire.sender),
        at: Timestamp(wire.origin_server_ts.as_i64().unwrap_or(0)),
    })
}

fn classify(wire: &Wire) -> RoomEventKind {
    let content = &wire.content;
    if let Some(key) = &wire.state_key {
        return match wire.kind.as_str() {
            "m.room.member" => member(key, content),
            "m.room.tombstone" => RoomEventKind::Replaced,
            _ => RoomEventKind::Other,
        };
    }
    if wire.kind == "m.room.redaction" {
        let of = content["redacts"].as_str().or_else(|| wire.redacts.as_ref()?.as_str());
        return of.map_or(RoomEventKind::Other, |of| RoomEventKind::Redaction { of: of.into() });
    }
    // An event that was redacted before we saw it has empty content.
    if content.as_object().is_none_or(serde_json::Map::is_empty) {
        return RoomEventKind::Other;
    }
    let unsupported = |word: &str| RoomEventKind::Unsupported(word.to_owned());
    match wire.kind.as_str() {
        "m.room.message" => message(content),
        "m.room.encrypted" => RoomEventKind::Undecryptable,
        "m.reaction" => reaction(content).unwrap_or_else(|| unsupported("reaction")),
        "m.sticker" => file(content, FileKind::Sticker).unwrap_or_else(|| unsupported("sticker")),
        "m.poll.start" | "org.matrix.msc3381.poll.start" => unsupported("poll"),
        "m.call.invite" => unsupported("call"),
        _ => RoomEventKind::Other,
    }
}

/// Returns the root of the thread in which an event was written.
fn thread(content: &Value) -> Option<&str> {
    let relation = &content["m.relates_to"];
    let root = relation["event_id"].as_str()?;
    (relation["rel_type"] == "m.thread").then_some(root)
}

/// Returns the event that an event replies to, and whether a quotation may stand before its text. In a thread clients name
/// the newest event of the thread for those that know no threads: it is not what the author replies to.
fn replied(content: &Value) -> (Option<&str>, bool) {
    let relation = &content["m.relates_to"];
    let replied = relation["m.in_reply_to"]["event_id"].as_str();
    let is_reply = thread(content).is_none() || relation["is_falling_back"] != true;
    (replied.filter(|_| is_reply), replied.is_some())
}

fn member(user: &str, content: &Value) -> RoomEventKind {
    match content["membership"].as_str().and_then(|word| word.parse().ok()) {
        Some(membership) => RoomEventKind::Member {
            user: MatrixUserId(user.to_owned()),
            membership,
        },
        // Not a membership of Matrix: the user is treated as not in the room.
        None => RoomEventKind::Member {
            user: MatrixUserId(user.to_owned()),
            membership: Membership::Leave,
        },
    }
}

fn message(content: &Value) -> RoomEventKind {
    let unsupported = |word: &str| RoomEventKind::Unsupported(word.to_owned());
    let kind = content["msgtype"].as_str().unwrap_or_default();
    // Before the relations: a notice that was edited or is in a thread is still not meant for the customer.
    if kind == "m.notice" {
        return RoomEventKind::Notice;
    }
    let relation = &content["m.relates_to"];
    if relation["rel_type"] == "m.replace" {
        return edit(content).unwrap_or_else(|| unsupported("edit"));
    }
    match (kind, content["body"].as_str()) {
        ("m.text", Some(body)) => {
            let (replied, has_quote) = replied(content);
            RoomEventKind::Text {
                body: written(content, body, has_quote),
                reply_to: replied.map(MatrixEventId::from),
            }
        }
        ("m.audio", _) if content.get("org.matrix.msc3245.voice").is_some() => {
            file(content, FileKind::Voice).unwrap_or_else(|| unsupported("voice note"))
        }
        ("m.audio", _) => file(content, FileKind::Audio).unwrap_or_else(|| unsupported("audio")),
        ("m.emote", _) => unsupported("emote"),
        ("m.file", _) => file(content, FileKind::Document).unwrap_or_else(|| unsupported("file")),
        ("m.image", _) => file(content, FileKind::Image).unwrap_or_else(|| unsupported("image")),
        ("m.location", _) => place(content).unwrap_or_else(|| unsupported("location")),
        ("m.video", _) => file(content, FileKind::Video).unwrap_or_else(|| unsupported("video")),
        // A request to verify the bot is meant for the bot, not for the customer.
        ("m.key.verification.request", _) => RoomEventKind::Other,
        _ => unsupported("message"),
    }
}

/// Returns the new words of an edit; those of a file are its caption.
fn edit(content: &Value) -> Option<RoomEventKind> {
    let of = content["m.relates_to"]["event_id"].as_str()?;
    let body = match message(&content["m.new_content"]) {
        RoomEventKind::Text { body, .. } => body,
        RoomEventKind::File { file, .. } => file.caption.unwrap_or_default(),
        _ => return None,
    };
    Some(RoomEventKind::Edit { of: of.into(), body })
}

fn reaction(content: &Value) -> Option<RoomEventKind> {
    let relation = &content["m.relates_to"];
    Some(RoomEventKind::Reaction {
        of: relation["event_id"].as_str()?.into(),
        key: relation["key"].as_str()?.to_owned(),
    })
}

/// Returns the place of a location (RFC 5870). None if there is none on earth.
fn place(content: &Value) -> Option<RoomEventKind> {
    let address = content["geo_uri"].as_str()?.strip_prefix("geo:")?;
    let mut numbers = address.split(';').next()?.split(',').map(str::parse::<f64>);
    let (latitude, longitude) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    if !(latitude.abs() <= 90.0 && longitude.abs() <= 180.0) {
        return None;
    }
    let said = content["org.matrix.msc3488.location"]["description"].as_str();
    Some(RoomEventKind::Place {
        place: Location {
            latitude,
            longitude,
            name: said.filter(|said| !said.trim().is_empty()).map(str::to_owned),
            address: None,
            live_until: None,
        },
        reply_to: replied(content).0.map(MatrixEventId::from),
    })
}

/// Returns the file of an event. None if the event does not say where it is.
fn file(content: &Value, kind: FileKind) -> Option<RoomEventKind> {
    let source: MediaSource = serde_json::from_value(content.clone()).ok()?;
    let (replied, has_quote) = replied(content);
    let body = content["body"].as_str();
    let name = content["filename"].as_str().or(body);
    // A body beside the name is a caption (Matrix 1.10); a sticker's is its description.
    let caption = body.filter(|body| kind != FileKind::Sticker && name != Some(body));
    let caption = caption.map(|body| written(content, body, has_quote));
    let file = SentFile {
        source: serde_json::to_string(&source).ok()?,
        name: name.filter(|_| kind != FileKind::Sticker).map(str::to_owned),
        mimetype: content["info"]["mimetype"].as_str().map(str::to_owned),
        caption: caption.filter(|caption| !caption.trim().is_empty()),
        kind,
    };
    Some(RoomEventKind::File {
        file: Box::new(file),
        reply_to: replied.map(MatrixEventId::from),
    })
}

/// Returns what the sender wrote, with WhatsApp's marks if it is formatted.
fn written(content: &Value, body: &str, is_reply: bool) -> String {
    let html = content["formatted_body"]
        .as_str()
        .filter(|_| content["format"] == "org.matrix.custom.html");
    html.and_then(markup::to_whatsapp).unwrap_or_else(|| {
        let body = if is_reply { without_quote(body) } else { body };
        body.to_owned()
    })
}

/// Removes the quote that older clients put before a reply: lines that begin with `> `, the first of them with the
/// quoted user, and one empty line (Matrix 1.12 and older, "Fallbacks for rich replies"). A quote that the agent typed
/// has no user in its first line and stays.
fn without_quote(body: &str) -> &str {
    if !(body.starts_with("> <") || body.starts_with("> * <")) {
        return body;
    }
    let mut rest = body;
    while rest.starts_with("> ") || rest.starts_with(">\n") {
        let Some((_, after)) = rest.split_once('\n') else {
            return "";
        };
        rest = after;
    }
    rest.strip_prefix('\n').unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn what(kind: &str, content: &Value) -> RoomEventKind {
        let event = json!({
            "type": kind, "event_id": "$e", "sender": "@anna:localhost", "origin_server_ts": 7, "content": content,
        });
        read(&"!r".into(), &raw(&event)).unwrap().what
    }

    fn raw(event: &Value) -> Raw<Value> {
        Raw::new(event).unwrap()
    }

    fn text(body: &str, reply_to: Option<&str>) -> RoomEventKind {
        RoomEventKind::Text {
            body: body.to_owned(),
            reply_to: reply_to.map(MatrixEventId::from),
        }
    }

    /// Rule 1: only text goes to a customer.
    #[test]
    fn only_plain_text_is_classified_as_text() {
        let message = |content: Value| what("m.room.message", &content);
        let unsupported = |word: &str| RoomEventKind::Unsupported(word.to_owned());
        assert_eq!(
            message(json!({"msgtype": "m.text", "body": "hi", "format": "x", "formatted_body": "<b>hi</b>"})),
            text("hi", None)
        );
        let formatted = json!({"msgtype": "m.text", "body": "**hi**", "format": "org.matrix.custom.html",
            "formatted_body": "<strong>hi</strong>"});
        assert_eq!(message(formatted), text("*hi*", None));
        assert_eq!(
            message(json!({"msgtype": "m.notice", "body": "hi"})),
            RoomEventKind::Notice
        );
        let edited =
            json!({"msgtype": "m.text", "body": "* hi", "m.relates_to": {"rel_type": "m.replace", "event_id": "$a"}});
        assert_eq!(message(edited), unsupported("edit"));
        let notice =
            json!({"msgtype": "m.notice", "body": "* hi", "m.relates_to": {"rel_type": "m.replace", "event_id": "$a"}});
        assert_eq!(message(notice), RoomEventKind::Notice);
        for (kind, word) in [
            ("m.emote", "emote"),
            ("m.image", "image"),
            ("m.file", "file"),
            ("m.video", "video"),
            ("m.audio", "audio"),
            ("m.location", "location"),
            ("org.example.odd", "message"),
        ] {
            assert_eq!(
                message(json!({"msgtype": kind, "body": "x"})),
                unsupported(word),
                "{kind}"
            );
        }
        let voice = json!({"msgtype": "m.audio", "body": "x", "org.matrix.msc3245.voice": {}});
        assert_eq!(message(voice), unsupported("voice note"));
        assert_eq!(message(json!({"msgtype": "m.text", "body": 7})), unsupported("message"));
        assert_eq!(
            message(json!({"msgtype": "m.key.verification.request", "body": "x"})),
            RoomEventKind::Other
        );
        assert_eq!(
            what("m.reaction", &json!({"m.relates_to": {}})),
            unsupported("reaction")
        );
        assert_eq!(what("m.sticker", &json!({"body": "x"})), unsupported("sticker"));
        assert_eq!(
            what("m.room.encrypted", &json!({"algorithm": "x"})),
            RoomEventKind::Undecryptable
        );
    }

    #[test]
    fn file_has_source_name_caption_and_kind() {
        let file_of = |content: Value| match what("m.room.message", &content) {
            RoomEventKind::File { file, reply_to } => (*file, reply_to),
            other => panic!("{other:?}"),
        };
        let (photo, reply_to) = file_of(json!({
            "msgtype": "m.image", "body": "look **here**", "filename": "cat.png", "url": "mxc://localhost/a",
            "format": "org.matrix.custom.html", "formatted_body": "look <b>here</b>",
            "info": {"mimetype": "image/png", "size": 3},
            "m.relates_to": {"m.in_reply_to": {"event_id": "$q"}},
        }));
        assert_eq!(photo.source, r#"{"url":"mxc://localhost/a"}"#);
        assert_eq!(
            (
                photo.name.as_deref(),
                photo.caption.as_deref(),
                photo.mimetype.as_deref()
            ),
            (Some("cat.png"), Some("look *here*"), Some("image/png"))
        );
        assert_eq!((photo.kind, reply_to), (FileKind::Image, Some("$q".into())));
        for (msgtype, kind) in [
            ("m.file", FileKind::Document),
            ("m.video", FileKind::Video),
            ("m.audio", FileKind::Audio),
        ] {
            let (file, _) = file_of(json!({"msgtype": msgtype, "body": "a.bin", "url": "mxc://localhost/a"}));
            assert_eq!(
                (file.kind, file.name.as_deref(), file.caption),
                (kind, Some("a.bin"), None)
            );
        }
        let voice = json!({"msgtype": "m.audio", "body": "Voice message", "url": "mxc://localhost/a",
            "org.matrix.msc3245.voice": {}});
        assert_eq!(file_of(voice).0.kind, FileKind::Voice);
        let sticker = what(
            "m.sticker",
            &json!({"body": "a cat", "url": "mxc://localhost/a", "info": {}}),
        );
        let RoomEventKind::File { file, .. } = sticker else {
            panic!("{sticker:?}");
        };
        assert_eq!((file.kind, file.name, file.caption), (FileKind::Sticker, None, None));
    }

    #[test]
    fn edit_reaction_and_place_are_classified() {
        let message = |content: Value| what("m.room.message", &content);
        let relation = json!({"rel_type": "m.replace", "event_id": "$a"});
        let edit = |new: Value| {
            message(json!({"msgtype": "m.text", "body": "* x", "m.new_content": new,
            "m.relates_to": relation}))
        };
        let edited = |body: &str| RoomEventKind::Edit {
            of: "$a".into(),
            body: body.to_owned(),
        };
        let formatted = json!({"msgtype": "m.text", "body": "**hi**", "format": "org.matrix.custom.html",
            "formatted_body": "<strong>hi</strong>"});
        assert_eq!(edit(formatted), edited("*hi*"));
        let captioned = json!({"msgtype": "m.image", "body": "new words", "filename": "a.png", "url": "mxc://x/a"});
        assert_eq!(edit(captioned), edited("new words"));
        let notice = json!({"msgtype": "m.notice", "body": "hi"});
        assert_eq!(edit(notice), RoomEventKind::Unsupported("edit".to_owned()));
        let reaction = json!({"m.relates_to": {"rel_type": "m.annotation", "event_id": "$a", "key": "👍"}});
        assert_eq!(
            what("m.reaction", &reaction),
            RoomEventKind::Reaction {
                of: "$a".into(),
                key: "👍".to_owned()
            }
        );
        let place = |geo: &str| message(json!({"msgtype": "m.location", "body": "x", "geo_uri": geo}));
        let RoomEventKind::Place { place: there, .. } = place("geo:51.5,-0.125;u=35") else {
            panic!("no place");
        };
        assert_eq!((there.latitude, there.longitude, there.name), (51.5, -0.125, None));
        for nowhere in ["geo:91,0", "geo:0,181", "geo:NaN,0", "geo:1", "geo:", "1,2", "geo:a,b"] {
            assert_eq!(
                place(nowhere),
                RoomEventKind::Unsupported("location".to_owned()),
                "{nowhere}"
            );
        }
    }

    /// Rooms before version 11 name the event beside the content, later ones inside.
    #[test]
    fn redaction_names_its_event_in_either_place() {
        let of_a = RoomEventKind::Redaction { of: "$a".into() };
        assert_eq!(what("m.room.redaction", &json!({"redacts": "$a"})), of_a);
        let mut event = json!({
            "type": "m.room.redaction", "event_id": "$e", "sender": "@anna:localhost", "origin_server_ts": 7,
            "content": {}, "redacts": "$a",
        });
        assert_eq!(read(&"!r".into(), &raw(&event)).unwrap().what, of_a);
        event["redacts"] = json!(7);
        assert_eq!(read(&"!r".into(), &raw(&event)).unwrap().what, RoomEventKind::Other);
    }

    #[test]
    fn redacted_event_is_ignored() {
        for kind in ["m.room.message", "m.room.encrypted", "m.reaction", "m.sticker"] {
            assert_eq!(what(kind, &json!({})), RoomEventKind::Other, "{kind}");
        }
    }

    /// Rule 1: the reply fallback is stripped.
    #[test]
    fn reply_fallback_is_stripped_quote_is_kept() {
        let reply = |body: &str| {
            what(
                "m.room.message",
                &json!({"msgtype": "m.text", "body": body, "m.relates_to": {"m.in_reply_to": {"event_id": "$q"}}}),
            )
        };
        for (body, left) in [
            ("> <@a:b> one\n> two\n\nanswer\nmore", "answer\nmore"),
            ("> <@a:b> one\n>\n> two\n\nanswer", "answer"),
            ("> * <@a:b> waves\n\nanswer", "answer"),
            ("> <@a:b> one\n\n> typed", "> typed"),
            ("> typed quote\n\nanswer", "> typed quote\n\nanswer"),
            ("answer", "answer"),
            ("> <@a:b> one", ""),
        ] {
            assert_eq!(reply(body), text(left, Some("$q")), "{body:?}");
        }
        let no_reply = json!({"msgtype": "m.text", "body": "> <@a:b> one\n\nanswer"});
        assert_eq!(what("m.room.message", &no_reply), text("> <@a:b> one\n\nanswer", None));
    }

    /// What a client says for those that know no threads is no reply.
    #[test]
    fn event_in_thread_names_its_root() {
        let relation = |more: Value| {
            let mut relation = json!({"rel_type": "m.thread", "event_id": "$root"});
            relation
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            let event = json!({
                "type": "m.room.message", "event_id": "$e", "sender": "@anna:localhost", "origin_server_ts": 7,
                "content": {"msgtype": "m.text", "body": "hi", "m.relates_to": relation},
            });
            let event = read(&"!r".into(), &raw(&event)).unwrap();
            (event.thread, event.what)
        };
        let root = Some(MatrixEventId::from("$root"));
        let falling_back = json!({"is_falling_back": true, "m.in_reply_to": {"event_id": "$newest"}});
        assert_eq!(relation(falling_back), (root.clone(), text("hi", None)));
        for genuine in [
            json!({"is_falling_back": false, "m.in_reply_to": {"event_id": "$said"}}),
            json!({"m.in_reply_to": {"event_id": "$said"}}),
        ] {
            assert_eq!(relation(genuine), (root.clone(), text("hi", Some("$said"))));
        }
        assert_eq!(relation(json!({})), (root, text("hi", None)));
        let plain = json!({"msgtype": "m.text", "body": "hi"});
        assert_eq!(thread(&plain), None);
        assert_eq!(
            thread(&json!({"m.relates_to": {"rel_type": "m.thread", "event_id": 7}})),
            None
        );
    }

    #[test]
    fn membership_names_its_state_key_user() {
        let event = json!({
            "type": "m.room.member", "event_id": "$e", "sender": "@anna:localhost", "origin_server_ts": 7,
            "state_key": "@bert:localhost", "content": {"membership": "ban"},
        });
        let event = read(&"!r".into(), &raw(&event)).unwrap();
        let banned = RoomEventKind::Member {
            user: "@bert:localhost".into(),
            membership: Membership::Ban,
        };
        assert_eq!((event.what, event.at), (banned, Timestamp(7)));
    }

    #[test]
    fn event_without_id_is_skipped_odd_time_is_not() {
        assert_eq!(read(&"!r".into(), &raw(&json!({"type": "m.room.message"}))), None);
        let odd = json!({
            "type": "m.room.message", "event_id": "$e", "sender": "@a:b", "origin_server_ts": "soon",
            "content": {"msgtype": "m.text", "body": "x"},
        });
        assert_eq!(read(&"!r".into(), &raw(&odd)).unwrap().at, Timestamp::ZERO);
    }
}
