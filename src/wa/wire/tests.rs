use proptest::prelude::*;
use serde_json::{Value, json};

use super::chat::chat;
use super::{Pull, event};
use crate::domain::conversation::ChatKind;
use crate::domain::customer::Identity;
use crate::domain::message::Kind;
use crate::domain::whatsapp::{Batch, PageEvent, PageMark, WaMedia, WaMessage};
use crate::domain::{Timestamp, WaMessageId};

fn wire(changes: &Value) -> Value {
    let mut message = json!({
        "type": "message", "id": "3EB0A1", "chat": "447700900123@c.us", "fromMe": false, "sender": null, "t": 1_764_000_000,
        "kind": "chat", "ack": 0, "body": "Hello", "caption": null, "quoted": null, "seconds": null, "fileName": null,
        "title": null, "viewOnce": false, "chatName": null,
        "contact": {"ids": ["447700900123@c.us", "9001@lid"], "savedName": "Ada", "pushName": "ada"},
    });
    for (key, value) in changes.as_object().unwrap() {
        message[key] = value.clone();
    }
    message
}

fn parsed(changes: &Value) -> WaMessage {
    match event(&wire(changes).to_string()) {
        PageEvent::Message(message) => *message,
        other => panic!("{other:?}"),
    }
}

fn error(raw: &str) -> String {
    match event(raw) {
        PageEvent::Poison { bytes, error } => {
            assert_eq!(bytes, raw.as_bytes(), "kept byte for byte");
            error
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn text_has_content_time_and_sender() {
    let message = parsed(&json!({"quoted": "3EB0Q"}));
    assert_eq!((message.kind, message.content.as_str()), (Kind::Text, "Hello"));
    assert_eq!(message.timestamp, Timestamp(1_764_000_000_000));
    assert_eq!(message.quoted, Some(WaMessageId("3EB0Q".into())));
    let contact = message.contact;
    assert_eq!(contact.identities.len(), 2);
    assert_eq!(contact.identities[0].value, "+447700900123");
    assert_eq!(contact.identities[1], Identity::lid("9001"));
    assert_eq!(
        (contact.saved_name.as_deref(), contact.push_name.as_deref()),
        (Some("Ada"), Some("ada"))
    );
}

#[test]
fn username_needs_another_identity() {
    let identities = |contact: Value| parsed(&json!({ "contact": contact })).contact.identities;
    let with = identities(json!({"ids": ["9001@lid"], "username": "Ada.L"}));
    assert_eq!(with, [Identity::lid("9001"), Identity::username("ada.l")]);
    for strange in [
        json!(""),
        json!("a b"),
        json!("a\u{0}"),
        json!("x".repeat(500)),
        json!(null),
    ] {
        let ids = identities(json!({"ids": ["9001@lid"], "username": strange}));
        assert_eq!(ids, [Identity::lid("9001")], "{strange}");
    }
    error(&wire(&json!({"contact": {"ids": [], "username": "ada"}})).to_string());
}

/// Rule 12: the same message under number and LID is one.
#[test]
fn sender_is_same_under_number_and_lid() {
    let by_number = parsed(&json!({}));
    let by_lid = parsed(&json!({"chat": "9001@lid"}));
    assert_eq!((by_number.sender, by_number.id), (by_lid.sender, by_lid.id));
    assert_ne!(parsed(&json!({"fromMe": true})).sender, parsed(&json!({})).sender);
    let group = json!({"chat": "1-2@g.us", "sender": "9002@lid", "chatName": "Team"});
    let group = parsed(&group);
    assert_eq!((group.sender.as_str(), group.chat_kind), ("9002@lid", ChatKind::Group));
    assert_eq!(group.chat_name.as_deref(), Some("Team"));
}

/// Rule 14.
#[test]
fn kind_without_text_becomes_bracketed_line() {
    for (changes, kind, line) in [
        (json!({"kind": "ptt", "seconds": 12}), Kind::Voice, "[voice note, 0:12]"),
        (json!({"kind": "video", "seconds": "75"}), Kind::Video, "[video, 1:15]"),
        (json!({"kind": "image"}), Kind::Image, "[image]"),
        (
            json!({"kind": "image", "viewOnce": true}),
            Kind::Image,
            "[view-once image]",
        ),
        (
            json!({"kind": "document", "fileName": "a\nb.pdf", "caption": "a\nb.pdf"}),
            Kind::Document,
            "[document: ab.pdf]",
        ),
        (
            json!({"kind": "vcard", "title": "Bob"}),
            Kind::Contact,
            "[contact: Bob]",
        ),
        (json!({"kind": "sticker"}), Kind::Sticker, "[sticker]"),
        (
            json!({"kind": "something_new"}),
            Kind::Unknown,
            "[message that cannot be shown: something_new]",
        ),
    ] {
        let message = parsed(&changes);
        assert_eq!((message.kind, message.content.as_str()), (kind, line));
    }
}

/// Rule 13.
#[test]
fn unparsable_event_keeps_its_bytes() {
    error("not json");
    error(r#"{"type":"news"}"#);
    error(&wire(&json!({"t": "yesterday"})).to_string());
    error(&wire(&json!({"id": ""})).to_string());
    error(&wire(&json!({"chat": "status@broadcast"})).to_string());
    error(&wire(&json!({"contact": {"ids": []}})).to_string());
    error(&wire(&json!({"chat": "1@g.us"})).to_string());
    // A lone surrogate cannot be written as UTF-8.
    error(&wire(&json!({"body": "X"})).to_string().replace("\"X\"", r#""\ud800""#));
    assert!(error(r#"{"type":"oversized","chars":2000000,"head":"…"}"#).contains("2000000"));
}

/// Rule 13: the bytes are kept, so that they can be parsed once the form is known.
#[test]
fn unknown_chat_id_is_poison_not_contact() {
    for chat in [
        "9001@hosted",
        "9001@hosted.lid",
        "9001",
        "@",
        "",
        "a@b@c",
        "447700900123:7@s.whatsapp.net",
    ] {
        assert!(
            error(&wire(&json!({"chat": chat})).to_string()).contains("chat"),
            "{chat}"
        );
        let raw =
            json!({"chat": chat, "contact": {"ids": []}, "name": null, "unread": 0, "t": 1, "last_message": null});
        assert!(super::chat::chat(&raw.to_string()).is_err(), "{chat}");
    }
    let target =
        json!({"chat": "9001@hosted", "id": "3EB0A1", "fromMe": false, "sender": null, "contact": {"ids": []}});
    error(&json!({"type": "deleted", "target": target, "t": 1}).to_string());
}

/// Rule 13: one bad event does not hold up the others.
#[test]
fn poison_leaves_other_events_intact() {
    let bad = wire(&json!({"body": "X"})).to_string().replace("\"X\"", r#""\udc00""#);
    let text = format!(
        r#"{{"me":"447700900001","pulled":{{"epoch":"a","seq":9,"events":[{},{bad},{{"type":"ack","chat":"1@lid","ids":["A","B"],"ack":2}}]}}}}"#,
        wire(&json!({}))
    );
    let pull: Pull<'_> = serde_json::from_str(&text).unwrap();
    assert_eq!(pull.me.as_deref(), Some("447700900001"));
    let batch = pull.batch();
    let mark = PageMark {
        epoch: "a".into(),
        seq: 9,
    };
    assert_eq!(batch.mark, Some(mark));
    assert!(matches!(
        &batch.events[..],
        [PageEvent::Message(_), PageEvent::Poison { .. }, PageEvent::Ack { ack: 2, ids, .. }] if ids.len() == 2
    ));
}

#[test]
fn empty_pull_has_no_mark() {
    let pull: Pull<'_> = serde_json::from_str(r#"{"me":null,"pulled":{"epoch":"a","seq":4,"events":[]}}"#).unwrap();
    assert_eq!(pull.batch(), Batch::default());
}

#[test]
fn unread_count_is_never_negative() {
    let raw = json!({"chat": "9001@lid", "contact": {"ids": ["9001@lid"]}, "name": "x", "unread": -1, "t": null});
    assert_eq!(chat(&raw.to_string()).unwrap().unread, 0);
}

/// Generates JSON of at most this depth, with about `size` values.
pub(super) fn any_json(depth: u32, size: u32) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(depth, size, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(".*", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_becomes_poison_without_panic(raw in ".*") {
        let parsed = event(&raw);
        let poisoned = matches!(parsed, PageEvent::Poison { .. });
        prop_assert!(poisoned);
    }

    #[test]
    fn any_field_value_parses_without_panic(
        key in prop::sample::select(vec!["id", "chat", "fromMe", "sender", "t", "kind", "ack", "body", "caption", "quoted",
            "seconds", "fileName", "title", "viewOnce", "contact", "chatName"]),
        value in any_json(2, 8),
    ) {
        event(&wire(&json!({key: value})).to_string());
    }
}

/// The caption is the message's text.
#[test]
fn medium_has_type_size_hash_and_measures() {
    let hash = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
    let media = json!({
        "mimetype": "video/mp4", "size": 1234, "hash": hash, "fileName": null, "width": 640, "height": "480",
        "gif": true, "waveform": [0, 50, 300, -1], "preview": "/9j/2Q==",
    });
    let message = parsed(&json!({"kind": "video", "seconds": 3, "caption": "look", "media": media}));
    assert_eq!((message.kind, message.content.as_str()), (Kind::Video, "look"));
    let details = message.details.unwrap();
    assert_eq!((details.animated, details.duration_s), (true, Some(3)));
    assert_eq!((details.width, details.height), (Some(640), Some(480)));
    assert_eq!(details.waveform, [0, 50, 100, 0]);
    let wa_media = message.media.unwrap();
    assert_eq!(
        (wa_media.mimetype.as_deref(), wa_media.size),
        (Some("video/mp4"), Some(1234))
    );
    assert_eq!(wa_media.preview.as_deref(), Some(&b"\xff\xd8\xff\xd9"[..]));
    let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(wa_media.sha256.as_deref(), Some(hex));
}

/// Rule 13: odd fields of a medium are left out, and the message is stored.
#[test]
fn odd_medium_is_kept_and_view_once_is_not() {
    let odd = json!({
        "mimetype": 7, "size": "many", "hash": "c2hvcnQ=", "fileName": {}, "width": -1, "height": 1e300, "gif": false,
        "waveform": null, "preview": "A".repeat(70_000),
    });
    let message = parsed(&json!({"kind": "image", "seconds": -4, "media": odd}));
    assert_eq!(message.content, "[image]");
    assert_eq!((message.media, message.details), (Some(WaMedia::default()), None));
    let once = json!({"kind": "image", "viewOnce": true, "caption": "secret", "media": {"gif": false}});
    let once = parsed(&once);
    assert_eq!((once.content.as_str(), &once.media), ("[view-once image]", &None));
    assert!(once.details.unwrap().view_once);
}
