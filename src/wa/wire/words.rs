//! What a message without a text of its own says in words: a place, a card, a poll, and what WhatsApp itself tells in a chat.

use serde_json::Value;

use super::details::{called, contact};
use super::lenient::{beginning, field, list, positive, text};
use super::{WireMessage, WirePerson};
use crate::domain::customer::{Identity, IdentityKind, PhoneNumber};
use crate::domain::details::Details;
use crate::domain::message::Kind;
use crate::domain::whatsapp::WaContact;
use crate::domain::wording;

/// The longest of WhatsApp's own words that is kept, in characters.
const MAX_NAME_CHARS: usize = 120;
/// Most people that a line names.
const MAX_NAMED: usize = 12;
const HIDDEN: &str = "view-once message: it can be seen on the phone only";

/// Nothing for what is worded elsewhere.
pub(super) fn of(message: &WireMessage, details: &Details) -> Option<(Kind, String)> {
    if message.kind == "ciphertext" {
        return Some((Kind::Unknown, format!("[{HIDDEN}]")));
    }
    if details.view_once {
        // Neither what it shows nor what was written under it is kept.
        let what = match message.kind.as_str() {
            "image" => (Kind::Image, "image"),
            "video" | "ptv" => (Kind::Video, "video"),
            "audio" | "ptt" => (Kind::Voice, "voice note"),
            _ => return Some((Kind::Unknown, format!("[{HIDDEN}]"))),
        };
        return Some((what.0, format!("[view-once {}]", what.1)));
    }
    if let Some(notice) = &details.notice {
        let told = &message.details.as_ref()?["notice"];
        return Some((Kind::System, sentence(notice, told)));
    }
    if let Some(location) = &details.location {
        return Some((Kind::Location, wording::place(location)));
    }
    if let Some(poll) = &details.poll {
        return Some((Kind::Poll, wording::poll(poll)));
    }
    if !details.contacts.is_empty() {
        return Some((Kind::Contact, wording::cards(&details.contacts)));
    }
    None
}

/// Our word for what a notice is about.
pub(super) fn notice_of(told: &Value) -> Option<String> {
    let subtype = text(told, "subtype");
    let (kind, subtype) = (text(told, "type")?, subtype.as_deref().unwrap_or_default());
    let word = match (kind.as_str(), subtype) {
        ("call_log", _) => call(told, subtype),
        (_, "create") => "group_created",
        (_, "add" | "linked_group_join") => "member_added",
        (_, "invite" | "join" | "v4_add_invite_join" | "membership_approval") => "member_joined",
        (_, "remove") => "member_removed",
        (_, "leave") => "member_left",
        (_, "promote") => "member_promoted",
        (_, "demote") => "member_demoted",
        (_, "subject") => "group_renamed",
        (_, "description") => "group_described",
        (_, "picture") => "group_pictured",
        (_, "announce") => "group_closed",
        (_, "not_announce") => "group_opened",
        (_, "modify" | "change_number") => "number_changed",
        (_, "ephemeral" | "ephemeral_setting" | "disappearing_mode") => "timer_changed",
        _ => return Some(other(&kind, subtype)),
    };
    Some(word.to_owned())
}

fn other(kind: &str, subtype: &str) -> String {
    let word = if subtype.is_empty() { kind } else { subtype };
    beginning(word, MAX_NAME_CHARS)
}

/// Missed, unless the page says that somebody talked, or that it was our own.
fn call(told: &Value, subtype: &str) -> &'static str {
    let outcome = text(told, "outcome").unwrap_or_default().to_ascii_lowercase();
    let taken = ["connected", "completed", "accepted", "ongoing"];
    let ours = field(told, "byMe") == Some(true);
    if ours || taken.contains(&outcome.as_str()) || taken.contains(&subtype) {
        "call"
    } else {
        "call_missed"
    }
}

/// A notice in words.
fn sentence(notice: &str, told: &Value) -> String {
    let by = who(told);
    let whom = whom(told);
    let said = text(told, "text").as_deref().and_then(wording::line);
    let named = |what: &str| {
        said.as_ref()
            .map_or_else(|| what.to_owned(), |name| format!("{what}: {name}"))
    };
    match notice {
        "call" | "call_missed" => {
            let how = if field(told, "video") == Some(true)
                || text(told, "subtype").is_some_and(|sub| sub.contains("video"))
            {
                "video call"
            } else {
                "call"
            };
            let missed = if notice == "call_missed" { "Missed " } else { "A " };
            format!("{missed}{how}")
        }
        "group_created" => named(&format!("{by} made this group")),
        "member_added" => format!("{by} added {whom}"),
        "member_joined" => format!("{whom} joined"),
        "member_removed" => format!("{by} removed {whom}"),
        "member_left" => format!("{whom} left"),
        "member_promoted" => format!("{whom} may now manage this group"),
        "member_demoted" => format!("{whom} may no longer manage this group"),
        "group_renamed" => named(&format!("{by} renamed this group")),
        "group_described" => named(&format!("{by} described this group")),
        "group_pictured" => format!("{by} changed the picture of this group"),
        "group_closed" => format!("{by} lets only admins write here"),
        "group_opened" => format!("{by} lets everybody write here"),
        "number_changed" => format!("The number has changed ({whom})"),
        "timer_changed" => timer(&by, told),
        other => format!("[notice: {other}]"),
    }
}

fn timer(by: &str, told: &Value) -> String {
    let seconds = positive(told, "seconds").or_else(|| positive(told, "text"));
    match seconds {
        None => format!("{by} turned disappearing messages off"),
        Some(seconds) if seconds < 3600 => format!("{by} lets messages disappear after {seconds} s"),
        Some(seconds) if seconds < 48 * 3600 => format!("{by} lets messages disappear after {} h", seconds / 3600),
        Some(seconds) => format!("{by} lets messages disappear after {} days", seconds / 86_400),
    }
}

fn who(told: &Value) -> String {
    if field(told, "byMe") == Some(true) {
        return "You (phone)".to_owned();
    }
    let by = contact(told, "by").as_ref().and_then(called);
    by.unwrap_or_else(|| "Somebody".to_owned())
}

/// Of a notice that names an old and a new number: the new one.
pub(super) fn new_number(message: &WireMessage, details: &Details) -> Option<PhoneNumber> {
    details.notice.as_deref().filter(|notice| *notice == "number_changed")?;
    let told = &message.details.as_ref()?["notice"];
    let [_, new] = <[WaContact; 2]>::try_from(people(told).collect::<Vec<_>>()).ok()?;
    let phone = |identity: &Identity| identity.kind == IdentityKind::Phone;
    new.identities.into_iter().find(phone)?.value.parse().ok()
}

fn people(told: &Value) -> impl Iterator<Item = WaContact> {
    list(told, "whom", MAX_NAMED)
        .filter_map(|person| serde_json::from_value::<WirePerson>(person.clone()).ok())
        .map(WirePerson::domain)
}

fn whom(told: &Value) -> String {
    let names: Vec<String> = people(told).filter_map(|person| called(&person)).collect();
    if names.is_empty() {
        return who(told);
    }
    names.join(", ")
}
