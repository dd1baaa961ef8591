//! Lines for kinds of messages that have no row shape of their own: orders, products, invitations, events and the like.
//! A line names what an agent has to know; everything else is in the raw fields.

use serde_json::Value;

use super::lenient::{number, text};
use super::message::WireMessage;
use crate::domain::Timestamp;
use crate::domain::wording;

/// Maximum number of choices of a list or of buttons that a line names.
const MAX_CHOICES: usize = 12;
/// WhatsApp counts money in thousandths.
const THOUSANDTHS: f64 = 1000.0;
const PHONE_ONLY: &str = "message that can be seen on the phone only";

/// A kind in words.
pub(super) struct Line {
    /// Name of the kind and its subject: `order: Cakes; 2 items; 15.00 GBP`.
    pub line: String,
    /// Text that came with it.
    pub text: Option<String>,
}

/// Returns the line for a kind that the page describes by its raw fields. `None` for a kind that we do not know.
pub(super) fn line(message: &WireMessage) -> Option<Line> {
    let nothing = Value::Null;
    let raw = message
        .details
        .as_ref()
        .and_then(|details| details.get("raw"))
        .unwrap_or(&nothing);
    let (word, about) = described(&message.kind, raw)?;
    let about: Vec<String> = about
        .into_iter()
        .flatten()
        .filter_map(|part| wording::line(&part))
        .collect();
    let line = if about.is_empty() {
        word.to_owned()
    } else {
        format!("{word}: {}", about.join("; "))
    };
    Some(Line {
        line,
        text: said(message, raw),
    })
}

/// Returns a kind's word, and what is to be said about it.
fn described(kind: &str, raw: &Value) -> Option<(&'static str, Vec<Option<String>>)> {
    let at = |name: &str| text(raw, name);
    let first = |names: &[&str]| names.iter().find_map(|name| at(name));
    Some(match kind {
        "order" => {
            let money = money(raw, "totalAmount1000", "totalCurrencyCode");
            ("order", vec![at("orderTitle"), count(raw, "itemCount", "item"), money])
        }
        "product" => {
            let price = money(raw, "salePriceAmount1000", "currencyCode");
            let price = price.or_else(|| money(raw, "priceAmount1000", "currencyCode"));
            ("product", vec![at("title"), price, at("url").filter(|url| is_web(url))])
        }
        "list" => {
            let list = &raw["list"];
            let title = text(list, "title").or_else(|| at("title"));
            ("list", vec![title, choices(&rows(list))])
        }
        "list_response" => ("answer", vec![text(&raw["listResponse"], "title")]),
        "buttons_response" => {
            let shown = text(&raw["buttonsResponse"], "selectedDisplayText");
            ("answer", vec![shown.or_else(|| at("selectedButtonId"))])
        }
        "template_button_reply" => ("answer", vec![at("selectedId")]),
        "buttons" | "hsm" | "template" => {
            let word = if kind == "buttons" { "buttons" } else { "template" };
            (word, vec![at("title"), choices(&buttons(raw))])
        }
        "interactive" | "native_flow" => ("interactive message", interactive(raw)),
        "interactive_response" => ("answer", vec![first(&["nativeFlowName"])]),
        "payment" => {
            let word = match at("subtype").as_deref() {
                Some("request") => "payment request",
                Some("invite") => "invitation to payments",
                _ => "payment",
            };
            (
                word,
                vec![money(raw, "paymentAmount1000", "paymentCurrency"), at("paymentStatus")],
            )
        }
        "groups_v4_invite" => ("group invite", vec![first(&["inviteGrpName", "title"])]),
        "newsletter_admin_invite" => ("channel admin invite", vec![first(&["newsletterName", "title"])]),
        "newsletter_follower_invite" => ("channel invite", vec![first(&["newsletterName", "title"])]),
        "newsletter_question_response" => ("answer in a channel", vec![]),
        "event_creation" => {
            let cancelled = raw.get("isEventCanceled") == Some(&Value::Bool(true));
            let word = if cancelled { "cancelled event" } else { "event" };
            (
                word,
                vec![
                    first(&["eventName", "title"]),
                    moment(raw, "eventStartTime"),
                    place(&raw["eventLocation"]),
                ],
            )
        }
        "sharable_event_invite" => (
            "event invite",
            vec![
                first(&["eventName", "eventTitle", "title"]),
                moment(raw, "eventStartTime"),
            ],
        ),
        "scheduled_call_creation" => {
            let title = first(&["scheduledCallTitle", "title"]);
            ("planned call", vec![title, moment(raw, "scheduledTimestampMs")])
        }
        "poll_result_snapshot" => ("poll results", vec![first(&["pollName", "title"])]),
        "sticker-pack" => ("sticker pack", vec![first(&["stickerPackName", "name", "title"])]),
        "request_phone_number" => ("request for your phone number", vec![]),
        "comment" => ("comment", vec![]),
        "rich_response" => ("AI answer", vec![]),
        "automated_greeting_message" => ("automatic greeting", vec![]),
        "oversized" => ("message that is too long for WhatsApp Web", vec![]),
        "quarantined" => ("attachment that WhatsApp has blocked", vec![]),
        "biz_content_placeholder" => (PHONE_ONLY, vec![]),
        "unknown" if at("subtype").is_some_and(|subtype| subtype.starts_with("phone")) => (PHONE_ONLY, vec![]),
        _ => return None,
    })
}

/// Returns the text that came with a message: its caption, else the field in which its kind has one.
fn said(message: &WireMessage, raw: &Value) -> Option<String> {
    let visible = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let field = match message.kind.as_str() {
        "order" => text(raw, "message"),
        "product" | "list" => text(raw, "description").or_else(|| text(&raw["list"], "description")),
        "groups_v4_invite" => text(raw, "comment"),
        "event_creation" => text(raw, "eventDescription"),
        "payment" => text(&raw["paymentNoteMsg"], "body"),
        "quarantined" => text(raw, "quarantineExtractedText"),
        _ => None,
    };
    visible(&message.caption)
        .or_else(|| visible(&message.body))
        .or(field)
        .or_else(|| text(raw, "footer"))
}

fn interactive(raw: &Value) -> Vec<Option<String>> {
    let title = text(&raw["interactiveHeader"], "title").or_else(|| text(raw, "title"));
    let flow = text(raw, "nativeFlowName").map(|flow| flow.replace('_', " "));
    vec![title, flow, choices(&buttons(raw))]
}

/// Returns the labels of a message's buttons, in whichever of the page's shapes.
fn buttons(raw: &Value) -> Vec<String> {
    let of = |name: &str| raw.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let all = [
        of("buttons"),
        of("dynamicReplyButtons"),
        of("hydratedButtons"),
        of("replyButtons"),
    ];
    let payload = raw["interactivePayload"]
        .get("buttons")
        .and_then(Value::as_array)
        .cloned();
    let all = all.into_iter().flatten().chain(payload.into_iter().flatten());
    all.filter_map(|button| label(&button)).collect()
}

/// Returns the label of a button.
fn label(button: &Value) -> Option<String> {
    let shapes = ["buttonText", "quickReplyButton", "urlButton", "callButton"];
    text(button, "displayText")
        .or_else(|| shapes.iter().find_map(|shape| text(&button[*shape], "displayText")))
        .or_else(|| text(button, "buttonText"))
}

/// Returns the titles of a list's rows.
fn rows(list: &Value) -> Vec<String> {
    let sections = list.get("sections").and_then(Value::as_array).into_iter().flatten();
    let rows = sections.flat_map(|section| section.get("rows").and_then(Value::as_array).into_iter().flatten());
    rows.filter_map(|row| text(row, "title")).collect()
}

fn choices(all: &[String]) -> Option<String> {
    let more = all.len().saturating_sub(MAX_CHOICES);
    let mut named: Vec<String> = all
        .iter()
        .take(MAX_CHOICES)
        .filter_map(|one| wording::line(one))
        .collect();
    if more > 0 {
        named.push(format!("{more} more"));
    }
    (!named.is_empty()).then(|| named.join(" · "))
}

fn count(raw: &Value, name: &str, word: &str) -> Option<String> {
    let count = number(raw, name)?;
    Some(if (count - 1.0).abs() < f64::EPSILON {
        format!("1 {word}")
    } else {
        format!("{count:.0} {word}s")
    })
}

/// Returns an amount of money: `15.00 GBP`.
fn money(raw: &Value, amount: &str, currency: &str) -> Option<String> {
    let amount = number(raw, amount)? / THOUSANDTHS;
    Some(match text(raw, currency) {
        Some(currency) => format!("{amount:.2} {currency}"),
        None => format!("{amount:.2}"),
    })
}

/// Returns a time in UTC, which some fields have in seconds and others in milliseconds.
fn moment(raw: &Value, name: &str) -> Option<String> {
    let value = raw.get(name)?;
    let at = match value {
        Value::Number(number) => super::lenient::moment(number),
        Value::String(text) => text
            .trim()
            .parse::<serde_json::Number>()
            .ok()
            .as_ref()
            .and_then(super::lenient::moment),
        _ => None,
    }?;
    let at = Timestamp(at.0).to_string();
    let minute = at.get(..16)?;
    Some(format!("{} UTC", minute.replace('T', " ")))
}

fn place(value: &Value) -> Option<String> {
    value
        .as_str()
        .map(str::to_owned)
        .or_else(|| text(value, "name"))
        .or_else(|| text(value, "address"))
}

/// Returns whether it is an address of the web.
pub(super) fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::message::Kind;
    use crate::domain::whatsapp::{PageEvent, WaMessage};
    use crate::wa::wire::event;

    fn parsed(kind: &str, raw: &Value, changes: &Value) -> WaMessage {
        let mut wire = json!({
            "type": "message", "id": "3EB0A1", "chat": "447700900123@c.us", "fromMe": false, "sender": null,
            "t": 1_764_000_000, "kind": kind, "ack": 0, "viewOnce": false, "details": {"raw": raw},
            "contact": {"ids": ["447700900123@c.us"]},
        });
        for (key, value) in changes.as_object().unwrap() {
            wire[key] = value.clone();
        }
        match event(&wire.to_string()) {
            PageEvent::Message(message) => *message,
            other => panic!("{other:?}"),
        }
    }

    fn content(kind: &str, raw: &Value) -> String {
        parsed(kind, raw, &json!({})).content
    }

    #[test]
    fn order_has_title_count_total_and_text() {
        let mut raw = serde_json::Map::new();
        for number in 0..60 {
            raw.insert(format!("a{number}"), json!("x".repeat(100)));
        }
        let order = json!({"orderTitle": "Cakes", "itemCount": 2, "totalAmount1000": 15000, "totalCurrencyCode": "GBP",
            "message": "for Friday", "thumbnail": "x".repeat(200_000)});
        raw.extend(order.as_object().unwrap().clone());
        let message = parsed("order", &Value::Object(raw), &json!({}));
        assert_eq!(message.content, "[order: Cakes; 2 items; 15.00 GBP] for Friday");
        assert_eq!(message.kind, Kind::Unknown);
        let raw = message.details.unwrap().raw.unwrap();
        assert_eq!(
            (&raw["orderTitle"], &raw["a59"]),
            (&json!("Cakes"), &json!("x".repeat(100)))
        );
        assert_eq!(raw["left_out"], json!(["thumbnail"]));
        let one = json!({"orderTitle": "Tea", "itemCount": "1"});
        assert_eq!(
            parsed("order", &one, &json!({"caption": "hot"})).content,
            "[order: Tea; 1 item] hot"
        );
    }

    #[test]
    fn kinds_of_businesses_have_a_line() {
        let rows = json!([{"rows": [{"title": "Soup"}, {"title": "Sal\u{202e}ad"}]}]);
        for (kind, raw, line) in [
            (
                "product",
                json!({"title": "Cake", "priceAmount1000": 9500, "currencyCode": "EUR"}),
                "[product: Cake; 9.50 EUR]",
            ),
            (
                "product",
                json!({"title": "Cake", "url": "javascript:x"}),
                "[product: Cake]",
            ),
            (
                "list",
                json!({"list": {"title": "Menu", "sections": rows, "description": "today"}}),
                "[list: Menu; Soup · Salad] today",
            ),
            (
                "list_response",
                json!({"listResponse": {"title": "Soup"}}),
                "[answer: Soup]",
            ),
            (
                "buttons",
                json!({"dynamicReplyButtons": [{"buttonText": {"displayText": "Yes"}}]}),
                "[buttons: Yes]",
            ),
            (
                "template",
                json!({"title": "Sale", "hydratedButtons": [{"urlButton": {"displayText": "Shop"}}]}),
                "[template: Sale; Shop]",
            ),
            (
                "interactive",
                json!({"interactiveHeader": {"title": "Pay"}, "nativeFlowName": "order_details"}),
                "[interactive message: Pay; order details]",
            ),
            (
                "payment",
                json!({"subtype": "request", "paymentAmount1000": "1000", "paymentCurrency": "INR", "paymentNoteMsg": {"body": "tea"}}),
                "[payment request: 1.00 INR] tea",
            ),
            (
                "groups_v4_invite",
                json!({"inviteGrpName": "Bakers", "comment": "join us"}),
                "[group invite: Bakers] join us",
            ),
            (
                "newsletter_admin_invite",
                json!({"newsletterName": "News"}),
                "[channel admin invite: News]",
            ),
            (
                "event_creation",
                json!({"eventName": "Fair", "eventStartTime": 1_764_000_000, "eventLocation": {"name": "Hall"}}),
                "[event: Fair; 2025-11-24 16:00 UTC; Hall]",
            ),
            (
                "poll_result_snapshot",
                json!({"pollName": "When?"}),
                "[poll results: When?]",
            ),
            ("sticker-pack", json!({}), "[sticker pack]"),
            (
                "biz_content_placeholder",
                json!({}),
                "[message that can be seen on the phone only]",
            ),
            (
                "unknown",
                json!({"subtype": "phone_only_feature"}),
                "[message that can be seen on the phone only]",
            ),
            ("unknown", json!({}), "[message that cannot be shown: unknown]"),
        ] {
            assert_eq!(content(kind, &raw), line, "{kind}");
        }
    }

    #[test]
    fn odd_fields_of_a_kind_are_left_out() {
        let odd = json!({"orderTitle": 7, "itemCount": "many", "totalAmount1000": {}, "list": 3, "message": []});
        assert_eq!(content("order", &odd), "[order]");
        assert_eq!(content("list", &odd), "[list]");
        assert_eq!(
            content("event_creation", &json!({"eventStartTime": "x", "eventLocation": []})),
            "[event]"
        );
        assert_eq!(content("comment", &json!(null)), "[comment]");
        let answer = parsed("list_response", &json!({}), &json!({"body": "Soup"}));
        assert_eq!((answer.kind, answer.content.as_str()), (Kind::Text, "Soup"));
    }
}
