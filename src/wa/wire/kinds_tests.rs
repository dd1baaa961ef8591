//! Tests of the kinds of messages, and of arbitrary input.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::tests::any_json;
use super::{Pull, event};
use crate::domain::details::Details;
use crate::domain::message::Kind;
use crate::domain::whatsapp::{PageEvent, WaMessage};

const VCARD: &str = "BEGIN:VCARD\nVERSION:3.0\nFN:Bob\nTEL;waid=447700900999:+44 7700 900999\nEND:VCARD";

fn person(id: &str, name: &str) -> Value {
    json!({"ids": [id], "savedName": null, "pushName": name})
}

/// Returns a message of this kind with these details.
fn wire(kind: &str, details: Value, changes: Value) -> Value {
    let mut message = json!({
        "type": "message", "id": "3EB0A1", "chat": "447700900123@c.us", "fromMe": false, "sender": null, "t": 1_764_000_000,
        "kind": kind, "ack": 0, "body": null, "caption": null, "quoted": null, "seconds": null, "fileName": null,
        "title": null, "viewOnce": false, "chatName": null, "reactions": null, "votes": null, "edited": null,
        "details": {"forwarded": false, "expiresAfter": null, "mentions": [], "location": null, "cards": [], "poll": null,
            "quote": null, "notice": null, "raw": null},
        "contact": person("447700900123@c.us", "Ada"),
    });
    for (to, from) in [("details", details), ("", changes)] {
        for (key, value) in from.as_object().unwrap() {
            let place = if to.is_empty() { &mut message } else { &mut message[to] };
            place[key] = value.clone();
        }
    }
    message
}

fn parsed(wire: &Value) -> (WaMessage, Details) {
    match event(&wire.to_string()) {
        PageEvent::Message(message) => {
            let details = message.details.clone().unwrap_or_default();
            (*message, details)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_kind_has_details_and_one_line() {
    let place = json!({"lat": 51.5033, "lng": "-0.1195", "text": "London Eye\nRiverside Building", "live": false});
    let (message, details) = parsed(&wire("location", json!({"location": place}), json!({})));
    assert_eq!(message.kind, Kind::Location);
    assert_eq!(
        message.content,
        "[location: London Eye; Riverside Building; 51.50330, -0.11950]"
    );
    let location = details.location.unwrap();
    assert_eq!((location.latitude, location.longitude), (51.5033, -0.1195));

    let place = json!({"lat": 1, "lng": 2, "text": null, "live": true, "shareDuration": 900});
    let (message, details) = parsed(&wire("location", json!({"location": place}), json!({})));
    assert_eq!(message.content, "[live location: 1.00000, 2.00000]");
    let until = details.location.unwrap().live_until.unwrap();
    assert_eq!(until.0, message.timestamp.0 + 900_000);

    let cards = json!([{"name": "Bob", "vcard": VCARD}]);
    let (message, details) = parsed(&wire("vcard", json!({"cards": cards}), json!({})));
    assert_eq!(
        (message.kind, message.content.as_str()),
        (Kind::Contact, "[contact: Bob, +44 7700 900999]")
    );
    assert_eq!(details.contacts[0].vcard, VCARD, "as it was sent");

    let poll = json!({"question": "When?", "options": ["nine", "ten", "ten"], "selectable": 1});
    let voter = json!({"fromMe": false, "sender": "447700900123@c.us", "contact": person("447700900123@c.us", "Ada")});
    let ballots = json!([{"options": ["ten"], "voter": voter, "t": 1_764_000_001_000_i64}]);
    let (message, details) = parsed(&wire("poll_creation", json!({"poll": poll}), json!({"votes": ballots})));
    assert_eq!(
        (message.kind, message.content.as_str()),
        (Kind::Poll, "[poll: When?] nine · ten")
    );
    assert_eq!(details.poll.unwrap().options, ["nine", "ten"]);
    assert_eq!(message.votes.unwrap()[0].options, ["ten"]);
}

#[test]
fn text_keeps_formatting_mentions_and_quote() {
    let details = json!({
        "forwarded": true, "expiresAfter": 86400,
        "mentions": [{"id": "9001@lid", "contact": person("9001@lid", "Bo\u{202e}b")}],
        "quote": {"text": "the old one", "kind": "chat", "from": person("447700900123@c.us", "Ada")},
    });
    let text = "*bold* _it_ ~no~ @9001 ```x```";
    let (message, details) = parsed(&wire("chat", details, json!({"body": text, "quoted": "3EB0Q"})));
    assert_eq!((message.kind, message.content.as_str()), (Kind::Text, text));
    assert!(details.forwarded);
    assert_eq!(details.expires_after_s, Some(86_400));
    assert_eq!(details.mentions[0].user.as_str(), "9001");
    assert_eq!(
        details.mentions[0].name.as_deref(),
        Some("Bob"),
        "marks that turn words round are taken out"
    );
    let quote = details.quote.unwrap();
    assert_eq!(
        (quote.whatsapp_id.as_str(), quote.content.as_deref()),
        ("3EB0Q", Some("the old one"))
    );
    assert_eq!(quote.name.as_deref(), Some("Ada"));
}

#[test]
fn view_once_keeps_only_its_kind() {
    let once = json!({"viewOnce": true, "caption": "the secret"});
    let (message, details) = parsed(&wire("image", json!({}), once.clone()));
    assert_eq!(
        (message.kind, message.content.as_str()),
        (Kind::Image, "[view-once image]")
    );
    assert!(details.view_once);
    let (message, _) = parsed(&wire("ciphertext", json!({}), once));
    assert!(message.content.contains("on the phone only"), "{}", message.content);
    let (message, _) = parsed(&wire("ciphertext", json!({}), json!({})));
    assert_eq!(message.content, crate::domain::wording::UNDECRYPTED);
    assert!(!format!("{message:?}").contains("secret"));
}

#[test]
fn notice_has_type_and_sentence() {
    let who = person("447700900123@c.us", "Ada");
    let whom = json!([person("9002@lid", "Bob")]);
    for (kind, notice, word, sentence) in [
        ("gp2", json!({"subtype": "add"}), "member_added", "Ada added Bob"),
        ("gp2", json!({"subtype": "leave"}), "member_left", "Bob left"),
        ("gp2", json!({"subtype": "invite"}), "member_joined", "Bob joined"),
        (
            "gp2",
            json!({"subtype": "subject", "text": "Bakers"}),
            "group_renamed",
            "Ada renamed this group: Bakers",
        ),
        (
            "gp2",
            json!({"subtype": "ephemeral", "text": "604800"}),
            "timer_changed",
            "Ada lets messages disappear after 7 days",
        ),
        (
            "notification_template",
            json!({"subtype": "change_number"}),
            "number_changed",
            "The number has changed (Bob)",
        ),
        (
            "call_log",
            json!({"subtype": "miss_video", "outcome": "Missed"}),
            "call_missed",
            "Missed video call",
        ),
        ("call_log", json!({"outcome": "Completed"}), "call", "A call"),
        (
            "gp2",
            json!({"subtype": "something_new"}),
            "something_new",
            "[notice: something_new]",
        ),
    ] {
        let mut raw = json!({"type": kind, "by": who, "byMe": false, "whom": whom});
        for (key, value) in notice.as_object().unwrap() {
            raw[key] = value.clone();
        }
        let (message, details) = parsed(&wire(kind, json!({"notice": raw}), json!({"chat": "1-2@g.us"})));
        assert_eq!(details.notice.as_deref(), Some(word));
        assert_eq!((message.kind, message.content.as_str()), (Kind::System, sentence));
    }
}

/// Nobody can choose a name that reads as our own phone, or as WhatsApp.
#[test]
fn name_that_poses_as_ours_has_tilde_in_lines() {
    let posing = person("9002@lid", "You (phone)");
    for (by_me, sentence) in [
        (false, "~You (phone) removed ~You (phone)"),
        (true, "You (phone) removed ~You (phone)"),
    ] {
        let raw = json!({"type": "gp2", "subtype": "remove", "by": posing, "byMe": by_me, "whom": [posing]});
        let (message, _) = parsed(&wire("gp2", json!({"notice": raw}), json!({"chat": "1-2@g.us"})));
        assert_eq!(message.content, sentence);
    }
    let target =
        json!({"chat": "1-2@g.us", "id": "3EB0A1", "fromMe": false, "sender": "9003@lid", "contact": {"ids": []}});
    for (by, named) in [
        (json!({"fromMe": false, "contact": posing}), Some("~You (phone)")),
        (
            json!({"fromMe": false, "contact": person("9003@lid", "Eve")}),
            Some("Eve"),
        ),
        (json!({"fromMe": true}), Some("You (phone)")),
        (json!(null), None),
    ] {
        let told = json!({"type": "deleted", "target": target, "t": 1_764_000_000, "by": by});
        let PageEvent::Deleted { by, .. } = event(&told.to_string()) else {
            panic!("{told}")
        };
        assert_eq!(by.as_deref(), named);
    }
}

#[test]
fn address_of_ad_is_bounded_and_of_web() {
    let long = format!("https://e.org/{}", "a".repeat(4096));
    for (url, kept) in [
        ("https://e.org/ad", true),
        ("javascript:alert(1)", false),
        (long.as_str(), false),
    ] {
        let ad = json!({"title": "Blue lamp", "url": url, "sourceId": "42"});
        let (_, details) = parsed(&wire("chat", json!({"ad": ad}), json!({"body": "hi"})));
        let ad = details.ad.unwrap();
        assert_eq!(ad.url.is_some(), kept, "{url}");
        assert_eq!(ad.title.as_deref(), Some("Blue lamp"));
    }
}

#[test]
fn unknown_kind_keeps_bounded_raw_fields() {
    let (message, details) = parsed(&wire("hologram", json!({"raw": {"depth": 3}}), json!({})));
    assert_eq!(message.kind, Kind::Unknown);
    assert_eq!(message.content, "[message that cannot be shown: hologram]");
    assert_eq!(details.raw.unwrap(), json!({"type": "hologram", "depth": 3}));
    let large = json!({"raw": {"x": "y".repeat(20_000)}});
    let raw = parsed(&wire("hologram", large, json!({}))).1.raw.unwrap();
    assert_eq!(
        (&raw["type"], raw["left_out_bytes"].is_u64()),
        (&json!("hologram"), true)
    );
}

#[test]
fn odd_details_are_left_out_message_is_kept() {
    let odd = json!({
        "forwarded": "yes", "expiresAfter": -5, "mentions": [1, {"id": 7}], "location": {"lat": 91, "lng": 0}, "cards": [{}, 3],
        "poll": {"question": ["?"]}, "quote": 9, "notice": {"type": []}, "raw": "x",
    });
    let (message, details) = parsed(&wire("chat", odd, json!({"body": "still here"})));
    assert_eq!((message.content.as_str(), details), ("still here", Details::default()));
    let (message, _) = parsed(&wire("chat", json!({}), json!({"details": 5, "body": "and here"})));
    assert_eq!(message.content, "and here");
}

#[test]
fn long_text_is_kept_whole() {
    for text in ["x".repeat(70_000), "👩‍👩‍👧‍👦".repeat(4000)] {
        let (message, _) = parsed(&wire("chat", json!({}), json!({"body": text})));
        assert_eq!(message.content, text);
    }
}

/// Returns one event of each kind, as seeds for mutation.
fn corpus() -> Vec<Value> {
    let whole = wire(
        "poll_creation",
        json!({
            "forwarded": true, "expiresAfter": 60, "mentions": [{"id": "1@lid", "contact": person("1@lid", "x")}],
            "location": {"lat": 1, "lng": 2, "text": "a\nb", "live": true, "shareDuration": 5},
            "cards": [{"name": "B", "vcard": VCARD}], "poll": {"question": "?", "options": ["a", "b"], "selectable": 1},
            "quote": {"text": "t", "kind": "chat", "from": person("1@lid", "x")}, "raw": {"a": [1]},
        }),
        json!({"quoted": "Q", "chat": "1-2@g.us", "sender": "1@lid"}),
    );
    let notice = json!({"notice": {"type": "gp2", "subtype": "add", "by": person("1@lid", "x"), "whom": [person("2@lid", "y")]}});
    let target =
        json!({"chat": "1-2@g.us", "id": "A", "fromMe": false, "sender": "1@lid", "contact": person("1@lid", "x")});
    let who = json!({"fromMe": false, "sender": "1@lid", "contact": person("1@lid", "x")});
    vec![
        wire("gp2", notice, json!({})),
        json!({"type": "edited", "message": whole}),
        json!({"type": "moved", "message": wire("location", json!({"location": {"lat": 1, "lng": 2}}), json!({})), "t": 1}),
        json!({"type": "ack", "chat": "1@lid", "ids": ["A"], "ack": 2}),
        json!({"type": "deleted", "target": target, "t": 1}),
        json!({"type": "reacted", "target": target, "emoji": "👍", "reactor": who, "t": 1}),
        json!({"type": "voted", "target": target, "options": ["a"], "voter": who, "t": 1}),
        json!({"type": "group", "chat": "1-2@g.us", "name": "G", "participants": [
            {"id": "1@lid", "contact": person("1@lid", "x"), "me": false, "admin": true}]}),
        json!({"type": "unreadable", "key": "x", "error": "y"}),
        json!({"type": "oversized", "chars": 5, "head": "x"}),
        whole,
    ]
}

#[test]
fn every_event_kind_parses() {
    for raw in corpus() {
        let poisoned = matches!(event(&raw.to_string()), PageEvent::Poison { .. });
        let is_meant_so = ["unreadable", "oversized"].contains(&raw["type"].as_str().unwrap());
        assert_eq!(poisoned, is_meant_so, "{raw}");
    }
}

#[test]
fn ten_thousand_events_parse_in_one_pull() {
    let events: Vec<String> = corpus().iter().map(Value::to_string).collect();
    let many: Vec<&str> = events.iter().map(String::as_str).cycle().take(10_000).collect();
    let text = format!(
        r#"{{"me":"1","pulled":{{"epoch":"a","seq":10000,"events":[{}]}}}}"#,
        many.join(",")
    );
    let pull: Pull<'_> = serde_json::from_str(&text).unwrap();
    assert_eq!(pull.batch().events.len(), 10_000);
}

/// Collects all places in a value, as JSON pointers.
fn places(value: &Value, at: &str, into: &mut Vec<String>) {
    into.push(at.to_owned());
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(key, value)| places(value, &format!("{at}/{key}"), into)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, value)| places(value, &format!("{at}/{index}"), into)),
        _ => {}
    }
}

/// Checks that parsing does not panic, and that poison keeps its bytes.
fn holds(raw: &str) -> Result<(), TestCaseError> {
    if let PageEvent::Poison { bytes, error } = event(raw) {
        prop_assert_eq!(bytes, raw.as_bytes());
        prop_assert!(!error.is_empty());
    }
    Ok(())
}

proptest! {
    #[test]
    fn mutated_field_parses_or_keeps_bytes(
        which in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), value in any_json(3, 16), gone: bool,
    ) {
        let corpus = corpus();
        let mut raw = which.get(&corpus).clone();
        let mut all = vec![];
        places(&raw, "", &mut all);
        let at = place.get(&all);
        match at.rsplit_once('/') {
            Some((parent, key)) if gone && raw.pointer(parent).is_some_and(Value::is_object) => {
                raw.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
            }
            _ => *raw.pointer_mut(at).unwrap() = value,
        }
        holds(&raw.to_string())?;
    }

    #[test]
    fn mutated_bytes_parse_or_are_kept(
        which in any::<prop::sample::Index>(), from in any::<prop::sample::Index>(), length in 0_usize..64, with in ".{0,8}",
    ) {
        let corpus: Vec<String> = corpus().iter().map(Value::to_string).collect();
        let raw: Vec<char> = which.get(&corpus).chars().collect();
        let from = from.index(raw.len());
        let rest = raw.iter().skip(from + length);
        let mutated: String = raw[..from].iter().copied().chain(with.chars()).chain(rest.copied()).collect();
        holds(&mutated)?;
    }
}
