//! Recognises our own events by the transaction id that they carry (rule 18).

use serde_json::Value;

use super::content::TXN_KEY;
use crate::domain::MatrixEventId;
use crate::domain::matrix::TxnId;

/// Returns the event's id if it carries the transaction id.
pub fn id_if_sent_as(event: &str, txn: &TxnId) -> Option<MatrixEventId> {
    let event: Value = serde_json::from_str(event).ok()?;
    let is_txn = |value: &Value| value.as_str() == Some(&txn.0);
    (is_txn(&event["content"][TXN_KEY]) || is_txn(&event["unsigned"]["transaction_id"]))
        .then(|| event["event_id"].as_str().map(MatrixEventId::from))?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule 18.
    #[test]
    fn sent_event_is_found_by_transaction_id() {
        let txn = TxnId("i.1.0".to_owned());
        let found = Some(MatrixEventId::from("$e"));
        let by_content = r#"{"event_id":"$e","content":{"crm.transaction_id":"i.1.0"}}"#;
        assert_eq!(id_if_sent_as(by_content, &txn), found);
        let by_echo = r#"{"event_id":"$e","content":{},"unsigned":{"transaction_id":"i.1.0"}}"#;
        assert_eq!(id_if_sent_as(by_echo, &txn), found);
        for other in [
            r#"{"event_id":"$e","content":{"crm.transaction_id":"i.1.1"}}"#,
            r#"{"event_id":"$e","content":{"body":"i.1.0"}}"#,
            "no json",
        ] {
            assert_eq!(id_if_sent_as(other, &txn), None, "{other}");
        }
    }
}
