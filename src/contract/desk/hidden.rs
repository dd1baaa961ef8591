//! Hides customers' numbers in JSON that goes to people who are not to see them.
//!
//! It works on the JSON and not on the types: what is told was partly written by earlier versions (the journal, stored
//! answers), and a view that is added later is hidden by the names of its fields too. What people write to each other (texts,
//! contact cards, places, file names) stays as they wrote it, but for mentions, whose digits are numbers.

use serde_json::{Map, Value};

use crate::domain::mentions;
use crate::domain::numbers::{FEWEST_DIGITS, KnownNumbers, label};
pub use crate::domain::numbers::{HIDDEN, id_without, mentions_without, name_without, text_without};

/// Hides all numbers of customers in a value.
pub fn hide_numbers(value: &mut Value) {
    hide(value, None);
}

/// `of`: id of the customer to whom the value belongs.
fn hide(value: &mut Value, of: Option<i64>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, of)),
        Value::Object(fields) => object(fields, of),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn object(fields: &mut Map<String, Value>, of: Option<i64>) {
    // An account's own number is no customer's.
    let is_account = fields.contains_key("state") && fields.contains_key("name") && !fields.contains_key("direction");
    let is_customer = !is_account && fields.contains_key("phone") && fields.contains_key("id");
    let is_ours = is_account || is_of_desk(fields);
    let id = |name: &str| fields.get(name).and_then(Value::as_i64);
    let of = id("customer_id")
        .or_else(|| is_customer.then(|| id("id")).flatten())
        .or(of);
    let has_number_as_name = text(fields, "name_source") == Some("number");
    let is_notice = text(fields, "kind") == Some("system");
    let is_number = text(fields, "kind") == Some("phone");
    let known = ["phone", "customer_phone"]
        .into_iter()
        .filter(|_| !is_account)
        .chain(has_number_as_name.then_some("name"))
        .filter_map(|name| text(fields, name));
    let known = KnownNumbers::of(known);
    if let Some(content) = text(fields, "content") {
        let shown = content_without(content, fields.get("details"), is_notice);
        fields.insert("content".to_owned(), shown.into());
    }
    for (name, value) in fields.iter_mut() {
        match (name.as_str(), value) {
            ("phone" | "customer_phone", value) if !is_account => *value = Value::Null,
            ("value", Value::String(text)) if is_number => HIDDEN.clone_into(text),
            ("name" | "customer_name", Value::String(text)) if !is_ours => {
                *text = if has_number_as_name {
                    label(of)
                } else {
                    name_without(text, of)
                };
            }
            ("user" | "sender", Value::String(text)) if is_of_number(text) => HIDDEN.clone_into(text),
            ("whatsapp_id" | "chat_id" | "chat", Value::String(text)) => *text = id_without(text),
            ("detail" | "opted_out_by" | "deleted_by" | "last_message", Value::String(text)) => {
                *text = text_without(text);
            }
            ("raw", raw) => leaves(raw, &mut |text| *text = text_without(&id_without(text))),
            // What people wrote.
            ("contacts" | "location" | "content" | "media" | "ad", _) => {}
            (_, value) => hide(value, of),
        }
    }
    for (name, value) in fields.iter_mut().filter(|(name, _)| !is_content(name)) {
        if name == "attributes" {
            known.hide_within(value, HIDDEN);
        } else {
            leaves(value, &mut |text| *text = known.hidden(text, HIDDEN));
        }
    }
}

/// Fields of things that the desk named itself, all of which such a thing has, and which nothing of a customer's has.
const OF_DESK: [&[&str]; 8] = [
    // A label.
    &["color", "description"],
    // A template, and a field of one.
    &["body", "fields"],
    &["required", "default"],
    // The definition of an attribute.
    &["choices", "revision"],
    // An agent.
    &["role", "active"],
    // A key, and whose key asks.
    &["prefix", "scopes"],
    &["key_id", "scope"],
    // Who wrote a message of ours: a customer has no face.
    &["origin"],
];

/// Returns whether the desk itself gave the name in these fields, so that no customer's number stands in it.
fn is_of_desk(fields: &Map<String, Value>) -> bool {
    let has = |name: &&str| fields.contains_key(*name);
    let is_of_customer = ["customer_id", "phone", "direction", "name_source"].iter().any(has);
    !is_of_customer && OF_DESK.iter().any(|shape| shape.iter().all(has))
}

fn is_content(name: &str) -> bool {
    matches!(name, "content" | "details" | "media" | "last_message")
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    fields.get(name)?.as_str()
}

/// Applies a change to all texts within a value.
fn leaves(value: &mut Value, change: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| leaves(item, change)),
        Value::Object(fields) => fields.values_mut().for_each(|item| leaves(item, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns whether an id of a person is made of a number, and not of a LID.
fn is_of_number(user: &str) -> bool {
    let (user, server) = user.split_once('@').unwrap_or((user, ""));
    let user = user.split(':').next().unwrap_or_default();
    server != "lid" && user.len() >= FEWEST_DIGITS && user.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the text of a message with names, or nothing, for the digits of mentioned people.
fn content_without(content: &str, details: Option<&Value>, is_notice: bool) -> String {
    let people = details.and_then(|details| details["mentions"].as_array());
    let people: Vec<(&str, String)> = people
        .into_iter()
        .flatten()
        .filter_map(|mention| {
            let name = mention["name"]
                .as_str()
                .map_or_else(|| HIDDEN.to_owned(), |name| name_without(name, None));
            Some((mention["user"].as_str()?, name))
        })
        .collect();
    let named = people.iter().map(|(user, name)| (*user, Some(name.as_str())));
    let shown = mentions::with_names(content, &named);
    let shown = mentions_without(&shown);
    if is_notice { text_without(&shown) } else { shown }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::numbers::is_only_number;

    fn hidden(mut value: Value) -> Value {
        hide_numbers(&mut value);
        value
    }

    #[test]
    fn customer_loses_number_and_name_that_is_one() {
        let customer = json!({ "id": 5, "name": "+447700900123", "name_source": "number", "phone": "+447700900123",
            "attributes": { "wa": "447700900123", "tier": "gold" } });
        let shown = json!({ "id": 5, "name": "Customer 5", "name_source": "number", "phone": null,
            "attributes": { "wa": HIDDEN, "tier": "gold" } });
        assert_eq!(hidden(customer), shown);
        let named = json!({ "id": 5, "name": "Ada +44 7700 900123", "name_source": "push", "phone": null });
        assert_eq!(hidden(named)["name"], "Ada hidden");
        let direct = json!({ "id": 9, "customer_id": 5, "kind": "direct", "name": "+447700900123" });
        assert_eq!(hidden(direct)["name"], "Customer 5");
        let account = json!({ "id": 1, "name": "sales", "state": "ready", "phone": "+447700900001" });
        assert_eq!(hidden(account.clone()), account, "our own number");
    }

    #[test]
    fn identity_and_member_lose_their_numbers() {
        let identities = json!({ "data": [
            { "kind": "phone", "value": "+447700900123" },
            { "kind": "lid", "value": "123456789012345" }] });
        let shown = hidden(identities);
        assert_eq!(shown["data"][0]["value"], HIDDEN);
        assert_eq!(shown["data"][1]["value"], "123456789012345");
        let group = json!({ "id": 2, "kind": "group", "name": "Team", "participants": [
            { "user": "447700900123", "name": "+447700900123", "phone": "+447700900123" },
            { "user": "123456789012345@lid", "name": "Bob" }] });
        let shown = hidden(group);
        let member = json!({ "user": HIDDEN, "name": HIDDEN, "phone": null });
        assert_eq!(shown["participants"][0], member);
        assert_eq!(shown["participants"][1]["user"], "123456789012345@lid");
        assert_eq!(
            hidden(json!({ "state": "ready", "user": "@crm:example.org" }))["user"],
            "@crm:example.org"
        );
    }

    #[test]
    fn message_keeps_what_people_wrote() {
        let message = json!({ "id": 3, "customer_id": 5, "kind": "text", "direction": "inbound",
            "content": "call @447700900123 or @447700900124 on 07700 900125, ada@447",
            "whatsapp_id": "false_447700900123@c.us_3EB0",
            "author": { "name": "+447700900123" },
            "details": { "mentions": [{ "user": "447700900123", "name": "Bob" }],
                "contacts": [{ "name": "Eve", "vcard": "TEL:+447700900126" }],
                "raw": { "from": "447700900123@c.us", "of": ["447700900123"] } },
            "reactions": [{ "sender": "447700900123", "name": "+447700900123" }] });
        let shown = hidden(message);
        assert_eq!(shown["content"], "call @Bob or @hidden on 07700 900125, ada@447");
        assert_eq!(shown["whatsapp_id"], "false_hidden@c.us_3EB0");
        assert_eq!(shown["author"]["name"], "Customer 5");
        assert_eq!(shown["details"]["mentions"][0]["user"], HIDDEN);
        assert_eq!(shown["details"]["contacts"][0]["vcard"], "TEL:+447700900126");
        assert_eq!(
            shown["details"]["raw"],
            json!({ "from": "hidden@c.us", "of": [HIDDEN] })
        );
        assert_eq!(shown["reactions"], json!([{ "sender": HIDDEN, "name": "Customer 5" }]));
        let notice = json!({ "kind": "system", "direction": "inbound", "content": "[+447700900123 was added]" });
        assert_eq!(hidden(notice)["content"], "[hidden was added]");
    }

    /// WhatsApp's users choose their names, and people note numbers as they like.
    #[test]
    fn attributes_lose_number_in_every_form() {
        let customer = json!({ "id": 5, "name": "Ada", "name_source": "push", "phone": "+447700900555", "attributes": {
            "n": 447_700_900_555_i64, "f": 7_700_900_555.0, "formatted": "+44 7700 900555", "national": "07700900555",
            "both": "+44 (0) 7700 900 555 at noon", "of": ["0044-7700-900555", { "x": "7700.900.555" }],
            "447700900555": "yes", "+44 7700 900555": "also", "900555": "short", "order": 2_026_113_012, "ref": "20261130-4711", "size": 42,
            "time": "2026-11-30T20:02:41Z" } });
        let shown = json!({ HIDDEN: "yes", "hidden 2": "also", "900555": "short", "n": HIDDEN, "f": HIDDEN, "formatted": HIDDEN, "national": HIDDEN,
            "both": "hidden at noon", "of": [HIDDEN, { "x": HIDDEN }],
            "order": 2_026_113_012, "ref": "20261130-4711", "size": 42, "time": "2026-11-30T20:02:41Z" });
        assert_eq!(hidden(customer)["attributes"], shown);
    }

    #[test]
    fn names_lose_number_in_other_dress() {
        for name in [
            "４４７７００９００５７１",
            "447*700*900*559",
            "44_7700_900560",
            "44–7700—900−560",
            "447700\u{200d}900\u{fe0f}560",
            "4\u{fe0f}\u{20e3}4\u{fe0f}\u{20e3}7\u{fe0f}\u{20e3}7\u{fe0f}\u{20e3}0\u{fe0f}\u{20e3}0\u{fe0f}\u{20e3}9\u{fe0f}\u{20e3}",
            "٤٤٧٧٠٠٩٠٠٥٧١",
            "①④④⑦⑦⓪⓪⑨",
            "447700+900560",
        ] {
            let customer =
                |name: String| hidden(json!({ "id": 5, "name": name, "name_source": "push", "phone": null }));
            assert_eq!(customer(name.to_owned())["name"], "Customer 5", "{name}");
            assert_eq!(customer(format!("Ada {name}"))["name"], "Ada hidden", "{name}");
        }
    }

    /// A view that is not known is hidden.
    #[test]
    fn names_of_desk_stay_as_they_are() {
        let name = "447700900123";
        for view in [
            json!({ "id": 1, "name": name, "color": null, "description": null }),
            json!({ "id": 1, "name": name, "body": "hello", "fields": [{ "name": name, "required": true, "default": null }] }),
            json!({ "id": 1, "name": name, "kind": "choice", "choices": [name], "revision": 1 }),
            json!({ "id": 1, "name": name, "role": "agent", "active": true }),
            json!({ "id": 1, "name": name, "prefix": "crm_abc", "scopes": ["read"] }),
            json!({ "key_id": 1, "name": name, "scope": "read" }),
            json!({ "id": 1, "name": name, "state": "ready" }),
            json!({ "id": 1, "author": { "origin": "api", "name": name } }),
        ] {
            assert_eq!(hidden(view.clone()), view);
        }
        for view in [
            json!({ "id": 1, "name": name }),
            json!({ "id": 1, "name": name, "phone": null, "role": "agent", "color": null }),
            json!({ "id": 1, "customer_id": 7, "name": name, "active": true, "role": "agent" }),
            json!({ "author": { "name": name } }),
        ] {
            assert!(!hidden(view.clone()).to_string().contains(name), "{view}");
        }
    }

    #[test]
    fn dates_are_no_numbers() {
        for text in ["sale 2026-11-30", "opted out (2026-11-30T20:02:41.599Z)", "2026-02-31"] {
            assert_eq!(text_without(text), text);
        }
        for text in [
            "4477-00-90",
            "2026-13-30",
            "2026-00-10",
            "2026-11-32",
            "+2026-11-30",
            "2026-11-30 447700900123",
        ] {
            assert!(text_without(text).ends_with(HIDDEN), "{text}");
        }
        assert!(!is_only_number("2026-11-30"));
    }

    #[test]
    fn only_long_runs_of_digits_are_numbers() {
        for (text, shown) in [
            ("Shop 24/7", "Shop 24/7"),
            ("+44 (7700) 900-123 Ada", "hidden Ada"),
            ("Ada, 447700900123", "Ada, hidden"),
            ("++", "++"),
            ("1+1", "1+1"),
            ("12 34 56", "12 34 56"),
            ("é+447700900123é", "éhiddené"),
        ] {
            assert_eq!(text_without(text), shown, "{text}");
        }
        assert!(is_only_number("+44 7700 900123") && !is_only_number("123") && !is_only_number("Ada 447700900123"));
    }
}
