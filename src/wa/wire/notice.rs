//! Notices: lines of WhatsApp's own in a chat, such as a new member or a missed call.

use serde_json::Value;

use super::lenient::{beginning, field, list, positive, text};
use super::message::WireMessage;
use super::person::{WirePerson, doer, told_name};
use crate::domain::customer::{Identity, IdentityKind, PhoneNumber};
use crate::domain::details::Details;
use crate::domain::whatsapp::WaContact;
use crate::domain::wording;

/// Maximum length of a notice's type that we do not know, in characters.
const MAX_NAME_CHARS: usize = 120;
/// Maximum number of people that a line names.
const MAX_NAMED: usize = 12;

/// Returns our word for the type of a notice, such as `member_added`.
pub(super) fn type_of(value: &Value) -> Option<String> {
    let subtype = text(value, "subtype");
    let (kind, subtype) = (text(value, "type")?, subtype.as_deref().unwrap_or_default());
    let word = match (kind.as_str(), subtype) {
        ("call_log", _) => call(value, subtype),
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

/// Returns the word for a call: missed, unless the page says that it was answered or that we made it.
fn call(value: &Value, subtype: &str) -> &'static str {
    let outcome = text(value, "outcome").unwrap_or_default().to_ascii_lowercase();
    let answered = ["connected", "completed", "accepted", "ongoing"];
    let ours = field(value, "byMe") == Some(true);
    if ours || answered.contains(&outcome.as_str()) || answered.contains(&subtype) {
        "call"
    } else {
        "call_missed"
    }
}

/// Returns the sentence that a notice is shown as.
pub(super) fn sentence(notice: &str, value: &Value) -> String {
    let by = actor(value);
    let whom = subjects(value);
    let name = text(value, "text").as_deref().and_then(wording::line);
    let named = |sentence: &str| {
        name.as_ref()
            .map_or_else(|| sentence.to_owned(), |name| format!("{sentence}: {name}"))
    };
    match notice {
        "call" | "call_missed" => {
            let how = if field(value, "video") == Some(true)
                || text(value, "subtype").is_some_and(|sub| sub.contains("video"))
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
        "timer_changed" => timer(&by, value),
        other => format!("[notice: {other}]"),
    }
}

/// Returns the sentence about a new timer for disappearing messages.
fn timer(by: &str, value: &Value) -> String {
    let seconds = positive(value, "seconds").or_else(|| positive(value, "text"));
    match seconds {
        None => format!("{by} turned disappearing messages off"),
        Some(seconds) if seconds < 3600 => format!("{by} lets messages disappear after {seconds} s"),
        Some(seconds) if seconds < 48 * 3600 => format!("{by} lets messages disappear after {} h", seconds / 3600),
        Some(seconds) => format!("{by} lets messages disappear after {} days", seconds / 86_400),
    }
}

/// Names the person who did it.
fn actor(value: &Value) -> String {
    doer(field(value, "byMe") == Some(true), value, "by", "Somebody")
}

/// Returns the new number from a notice that names an old and a new one.
pub(super) fn new_number(message: &WireMessage, details: &Details) -> Option<PhoneNumber> {
    details.notice.as_deref().filter(|notice| *notice == "number_changed")?;
    let value = &message.details.as_ref()?["notice"];
    let [_, new] = <[WaContact; 2]>::try_from(people(value).collect::<Vec<_>>()).ok()?;
    let phone = |identity: &Identity| identity.kind == IdentityKind::Phone;
    new.identities.into_iter().find(phone)?.value.parse().ok()
}

fn people(value: &Value) -> impl Iterator<Item = WaContact> {
    list(value, "whom", MAX_NAMED)
        .filter_map(|person| serde_json::from_value::<WirePerson>(person.clone()).ok())
        .map(WirePerson::domain)
}

/// Names the people it was done to.
fn subjects(value: &Value) -> String {
    let names: Vec<String> = people(value).filter_map(|person| told_name(&person)).collect();
    if names.is_empty() {
        return actor(value);
    }
    names.join(", ")
}
