//! Hides customers' numbers in JSON that goes to people who are not to see them.
//!
//! It works on the JSON and not on the types: what is told was partly written by earlier versions (the journal, stored
//! answers), and a view that is added later is hidden by the names of its fields too. What people write to each other (texts,
//! contact cards, places, file names) stays as they wrote it, but for mentions, whose digits are numbers.

use serde_json::{Map, Value};

use crate::domain::mentions;

/// Stands for a number, or for a name that is only a number, where nobody's id is known.
pub const HIDDEN: &str = "hidden";

/// Fewest digits of a number: no country has shorter ones.
const FEWEST_DIGITS: usize = 7;

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
    let id = |name: &str| fields.get(name).and_then(Value::as_i64);
    let of = id("customer_id")
        .or_else(|| is_customer.then(|| id("id")).flatten())
        .or(of);
    let has_number_as_name = text(fields, "name_source") == Some("number");
    let is_notice = text(fields, "kind") == Some("system");
    let is_number = text(fields, "kind") == Some("phone");
    let known: Vec<String> = ["phone", "customer_phone"]
        .iter()
        .filter(|_| !is_account)
        .filter_map(|name| Some(digits(text(fields, name)?)))
        .collect();
    if let Some(content) = text(fields, "content") {
        let shown = content_without(content, fields.get("details"), is_notice);
        fields.insert("content".to_owned(), shown.into());
    }
    for (name, value) in fields.iter_mut() {
        match (name.as_str(), value) {
            ("phone" | "customer_phone", value) if !is_account => *value = Value::Null,
            ("value", Value::String(text)) if is_number => HIDDEN.clone_into(text),
            ("name" | "customer_name", Value::String(text)) if !is_account => {
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
    for number in known {
        for (_, value) in fields.iter_mut().filter(|(name, _)| !is_content(name)) {
            leaves(value, &mut |text| *text = text.replace(&number, HIDDEN));
        }
    }
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

/// Returns the name of a customer whose name is only a number.
fn label(of: Option<i64>) -> String {
    of.map_or_else(|| HIDDEN.to_owned(), |id| format!("Customer {id}"))
}

/// Returns a name without a number in it: that of the customer `of` if it was only a number.
pub fn name_without(name: &str, of: Option<i64>) -> String {
    if is_only_number(name.strip_prefix("WhatsApp ").unwrap_or(name)) {
        return label(of);
    }
    text_without(name)
}

/// Returns whether a name is nothing but a phone number, as people write one.
pub fn is_only_number(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_digit() || is_between(c) || c == '+';
    name.chars().all(is_part) && digits(name).len() >= FEWEST_DIGITS
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Returns whether a character stands within a number as people write it.
const fn is_between(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '-' | '.' | '(' | ')' | '/' | '\u{2011}')
}

/// Returns whether an id of a person is made of a number, and not of a LID.
fn is_of_number(user: &str) -> bool {
    let (user, server) = user.split_once('@').unwrap_or((user, ""));
    let user = user.split(':').next().unwrap_or_default();
    server != "lid" && user.len() >= FEWEST_DIGITS && user.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns a text without the numbers in it.
pub fn text_without(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit() || c == '+') {
        let (before, run) = rest.split_at(at);
        shown.push_str(before);
        let is_part = |c: char| c.is_ascii_digit() || is_between(c);
        let first = usize::from(run.starts_with('+'));
        let mut end = first + run[first..].find(|c| !is_part(c)).unwrap_or(run.len() - first);
        end -= run[..end].len() - run[..end].trim_end_matches(is_between).len();
        let end = end.max(1);
        let number = &run[..end];
        if digits(number).len() >= FEWEST_DIGITS {
            shown.push_str(HIDDEN);
        } else {
            shown.push_str(number);
        }
        rest = &run[end..];
    }
    shown.push_str(rest);
    shown
}

/// Returns an id of a message or a chat without the numbers in it, which stand before an `@`. What stands before that of a
/// LID is none.
pub fn id_without(id: &str) -> String {
    let is_part = |c: char| c.is_ascii_digit() || c == '-' || c == ':';
    let mut shown = String::with_capacity(id.len());
    let mut parts = id.split('@').peekable();
    while let Some(part) = parts.next() {
        let (kept, number) = part.split_at(part.trim_end_matches(is_part).len());
        let of_number = parts.peek().is_some_and(|server| !server.starts_with("lid"));
        shown.push_str(kept);
        let is_hidden = of_number && digits(number).len() >= FEWEST_DIGITS;
        shown.push_str(if is_hidden { HIDDEN } else { number });
        if parts.peek().is_some() {
            shown.push('@');
        }
    }
    shown
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

/// Returns a text without the digits that stand after an `@`: those of people who are mentioned.
pub fn mentions_without(text: &str) -> String {
    let mut parts = text.split('@');
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        shown.push('@');
        shown.push_str(if end >= FEWEST_DIGITS { HIDDEN } else { &part[..end] });
        shown.push_str(&part[end..]);
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
