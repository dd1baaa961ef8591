//! The history of a chat, one page at a time.

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::client::WhatsAppWeb;
use crate::domain::whatsapp::{Earlier, PageEvent, Past, ReadError};
use crate::domain::{ChatId, HistoryMark};
use crate::wa::page::CallError;
use crate::wa::wire;

/// Maximum length of a mark, in bytes: a key has a chat, an id and perhaps a sender.
const MAX_MARK_BYTES: usize = 1024;

#[derive(Debug, Deserialize)]
struct WirePast {
    mark: String,
    event: Box<RawValue>,
}

/// Requests up to `count` messages before `mark`.
pub(super) async fn earlier(
    web: &WhatsAppWeb,
    chat: &ChatId,
    mark: Option<&HistoryMark>,
    count: usize,
) -> Result<Earlier, ReadError> {
    let page = web.linked_page()?;
    let arguments = json!({ "chat": chat, "before": mark, "count": count });
    match web.try_list(&page, "earlier", arguments).await {
        Ok(items) => Ok(Earlier::Page(
            items.iter().filter_map(|item| past(item.get())).collect(),
        )),
        Err(CallError::Refused(refusal)) if refusal.code == "no_mark" => Ok(Earlier::Lost),
        Err(CallError::Refused(refusal)) if refusal.code == "no_chat" => Ok(Earlier::NoChat),
        Err(error) => Err(web.read_failed(&page, error).await),
    }
}

/// Parses one message of the history. An item without a mark is skipped: the import could not continue from it.
fn past(raw: &str) -> Option<Past> {
    let WirePast { mark, event } = serde_json::from_str(raw).ok()?;
    let event: PageEvent = wire::event(event.get());
    (!mark.is_empty() && mark.len() <= MAX_MARK_BYTES).then_some(Past {
        mark: HistoryMark(mark),
        event,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreadable_history_keeps_mark_and_bytes() {
        let item = past(r#"{"mark":"false_1@x_A","event":{"type":"message","id":7}}"#).unwrap();
        assert_eq!(item.mark.as_str(), "false_1@x_A");
        assert!(matches!(&item.event, PageEvent::Poison { bytes, .. } if bytes.ends_with(b"\"id\":7}")));
        assert_eq!(item.at(), None);
        for nowhere in [
            r#"{"mark":"","event":{}}"#,
            r#"{"event":{}}"#,
            "7",
            &format!("{:?}", "x".repeat(2000)),
        ] {
            assert_eq!(past(nowhere), None);
        }
    }
}
