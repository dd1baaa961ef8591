//! Events of a room, classified.

use matrix_sdk::ruma::events::room::MediaSource;
use matrix_sdk::ruma::serde::Raw;
use serde::Deserialize;
use serde_json::Value;

use crate::domain::details::Location;
use crate::domain::mark;
use crate::domain::matrix::{Membership, RoomEvent, RoomEventKind, SentFile};
use crate::domain::media::FileKind;
use crate::domain::{MatrixEventId, MatrixRoomId, MatrixUserId, Timestamp};

use super::kinds::polls;
use super::markup;
use super::state::FENCE;

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
    let json = raw.json().get();
    let mut wire: Wire = serde_json::from_str(json)
        .inspect_err(|error| tracing::warn!(%room, "skipped an event without an id or a sender: {error}"))
        .ok()?;
    if json.contains(NUL) {
        remove_nul(&mut wire.content);
        wire.redacts.iter_mut().for_each(remove_nul);
        wire.state_key.iter_mut().for_each(|key| key.retain(|c| c != '\0'));
    }
    Some(RoomEvent {
        room: room.clone(),
        thread: thread(&wire.content).map(MatrixEventId::from),
        what: classify(&wire),
        id: MatrixEventId(wire.event_id),
        sender: MatrixUserId(wire.sender),
        at: Timestamp(wire.origin_server_ts.as_i64().unwrap_or(0)),
    })
}

/// U+0000 as JSON has it. No database of ours takes it, homeservers do, and nobody sees it.
const NUL: &str = "\\u0000";

/// Removes U+0000 from all texts within a value.
fn remove_nul(value: &mut Value) {
    match value {
        Value::String(text) => text.retain(|c| c != '\0'),
        Value::Array(items) => items.iter_mut().for_each(remove_nul),
        Value::Object(fields) => fields.values_mut().for_each(remove_nul),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn classify(wire: &Wire) -> RoomEventKind {
    let content = &wire.content;
    if let Some(key) = &wire.state_key {
        return match wire.kind.as_str() {
            "m.room.member" => member(key, content),
            "m.room.tombstone" => RoomEventKind::Replaced,
            FENCE => RoomEventKind::Fence,
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
        "m.poll.start" | polls::START => polls::read(content, replied(content).0),
        "m.poll.response" | polls::RESPONSE => polls::read_vote(content, false),
        "m.poll.end" | polls::END => polls::read_vote(content, true),
        "m.call.invite" => unsupported("call"),
        _ => RoomEventKind::Other,
    }
}

/// Returns the root of the thread in which an event was written.
pub(super) fn thread(content: &Value) -> Option<&str> {
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

/// Returns what the sender wrote, with WhatsApp's marks if it is formatted. What is a command in either form is one: its plain
/// form then.
fn written(content: &Value, body: &str, is_reply: bool) -> String {
    let plain = if is_reply { without_quote(body) } else { body };
    let html = content["formatted_body"]
        .as_str()
        .filter(|_| content["format"] == "org.matrix.custom.html" && mark::behind(plain).is_none());
    html.and_then(markup::to_whatsapp).unwrap_or_else(|| plain.to_owned())
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
