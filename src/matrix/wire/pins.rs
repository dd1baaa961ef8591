//! The pinned events of a room.

use serde_json::{Value, json};

use super::state::Wanted;

/// Most pinned events that are kept; the oldest go.
const MAX_PINNED: usize = 50;

/// Returns the state that pins an event beside those that `present`, the content of the state, pins; `None` if it does.
pub fn pinned(present: &str, event: &str) -> Option<Wanted> {
    let present: Value = serde_json::from_str(present).unwrap_or_default();
    let others = present["pinned"].as_array().into_iter().flatten();
    let mut pinned: Vec<&str> = others.filter_map(Value::as_str).collect();
    if pinned.contains(&event) {
        return None;
    }
    pinned.push(event);
    let kept = &pinned[pinned.len().saturating_sub(MAX_PINNED)..];
    Some(Wanted::new("m.room.pinned_events", "", json!({ "pinned": kept })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_is_pinned_once_beside_others() {
        let pins = |present: &str| pinned(present, "$card").map(|wanted| wanted.content);
        for nothing in ["", "{}", r#"{"pinned": 7}"#, "no json"] {
            assert_eq!(pins(nothing), Some(json!({"pinned": ["$card"]})), "{nothing}");
        }
        assert_eq!(
            pins(r#"{"pinned": ["$a", 7]}"#),
            Some(json!({"pinned": ["$a", "$card"]}))
        );
        assert_eq!(pins(r#"{"pinned": ["$card", "$a"]}"#), None);
        let full: Vec<String> = (0..MAX_PINNED).map(|n| format!("${n}")).collect();
        let kept = pins(&json!({ "pinned": full }).to_string()).unwrap();
        assert_eq!(kept["pinned"].as_array().map(Vec::len), Some(MAX_PINNED));
        assert_eq!(kept["pinned"][MAX_PINNED - 1], "$card");
    }
}
