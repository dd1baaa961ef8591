//! Tests of the classification of events.

use matrix_sdk::ruma::serde::Raw;
use serde_json::{Value, json};

use super::event::{read, thread};
use crate::domain::matrix::{Membership, RoomEventKind};
use crate::domain::media::FileKind;
use crate::domain::{MatrixEventId, Timestamp};

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

#[test]
fn tombstone_says_that_room_is_replaced() {
    let event = json!({
        "type": "m.room.tombstone", "state_key": "", "event_id": "$e", "sender": "@anna:localhost", "origin_server_ts": 7,
        "content": {"body": "upgraded", "replacement_room": "!new"},
    });
    assert_eq!(read(&"!r".into(), &raw(&event)).unwrap().what, RoomEventKind::Replaced);
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
    // Whose mark the HTML lacks is a command all the same.
    let command = json!({"msgtype": "m.text", "body": "!note hi", "format": "org.matrix.custom.html",
        "formatted_body": "<p>note hi</p>"});
    assert_eq!(message(command), text("!note hi", None));
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

/// Ignores the reply that a client adds for those that know no threads.
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

/// No database of ours takes U+0000, and what cannot be seen makes no text of a note.
#[test]
fn nul_is_removed_from_all_texts() {
    let event = json!({
        "type": "m.room.message", "event_id": "$e", "sender": "@a:b", "origin_server_ts": 7,
        "content": {
            "msgtype": "m.text", "body": "\0!note\0 secret",
            "m.relates_to": {"m.in_reply_to": {"event_id": "$\0said"}},
        },
    });
    assert_eq!(
        read(&"!r".into(), &raw(&event)).unwrap().what,
        text("!note secret", Some("$said"))
    );
}
