//! The state of an agent's message, as bridges tell it to clients (`com.beeper.message_send_status`, mautrix/go
//! `event/beeper.go`). Clients without it show the tick.

use serde_json::{Value, json};

use crate::domain::shown::{FailedBy, SendOutcome, SendStatus};
use crate::matrix::wire::content::Outgoing;

/// Type of the event. No push rule of Matrix matches it, so it notifies nobody where the homeserver can read it.
pub const KIND: &str = "com.beeper.message_send_status";
/// Name of the network, as clients show it.
const NETWORK: &str = "whatsapp";
/// Key of the users who have the message. Present and empty, it says that deliveries are told.
const DELIVERED_TO: &str = "delivered_to_users";

/// Returns the content of the event, without the reader.
pub fn content(status: &SendStatus) -> Value {
    let word = match status.outcome {
        SendOutcome::Pending => "PENDING",
        SendOutcome::Sent | SendOutcome::Delivered => "SUCCESS",
        SendOutcome::Retriable(_) => "FAIL_RETRIABLE",
        SendOutcome::Final(_) => "FAIL_PERMANENT",
    };
    let mut content = json!({
        "network": NETWORK,
        "status": word,
        "m.relates_to": {"rel_type": "m.reference", "event_id": status.of.as_str()},
    });
    if let Some(reason) = reason(status.outcome) {
        content["reason"] = json!(reason);
    }
    if let Some(why) = &status.why {
        content["message"] = json!(why);
    }
    if word == "SUCCESS" {
        content[DELIVERED_TO] = json!([]);
    }
    content
}

/// Names the user of the reader in the event, if the message was delivered.
pub fn deliver(outgoing: &mut Outgoing, status: &SendStatus, reader: &str) {
    if status.outcome == SendOutcome::Delivered {
        outgoing.content[DELIVERED_TO] = json!([reader]);
    }
}

const fn reason(outcome: SendOutcome) -> Option<&'static str> {
    match outcome {
        SendOutcome::Sent | SendOutcome::Delivered => None,
        SendOutcome::Pending => Some("m.foreign_network_error"),
        SendOutcome::Retriable(by) | SendOutcome::Final(by) => Some(match by {
            FailedBy::Network => "m.foreign_network_error",
            FailedBy::Age => "m.event_too_old",
            FailedBy::Consent => "m.no_permission",
            FailedBy::Refused => "m.event_not_handled",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::matrix::{RoomContent, TxnId};
    use crate::matrix::wire::outgoing;

    fn sent(outcome: SendOutcome, why: Option<&str>) -> Outgoing {
        let status = SendStatus {
            of: "$m".into(),
            outcome,
            why: why.map(str::to_owned),
            reader: None,
        };
        let mut sent = outgoing(&RoomContent::Status(status.clone()), None, &TxnId("i.1.s".to_owned()));
        deliver(&mut sent, &status, "@wa_1:h");
        sent
    }

    #[test]
    fn each_outcome_has_status_reason_and_readers() {
        for (outcome, status, reason, readers) in [
            (
                SendOutcome::Pending,
                "PENDING",
                json!("m.foreign_network_error"),
                json!(null),
            ),
            (SendOutcome::Sent, "SUCCESS", json!(null), json!([])),
            (SendOutcome::Delivered, "SUCCESS", json!(null), json!(["@wa_1:h"])),
            (
                SendOutcome::Retriable(FailedBy::Age),
                "FAIL_RETRIABLE",
                json!("m.event_too_old"),
                json!(null),
            ),
            (
                SendOutcome::Final(FailedBy::Consent),
                "FAIL_PERMANENT",
                json!("m.no_permission"),
                json!(null),
            ),
            (
                SendOutcome::Final(FailedBy::Refused),
                "FAIL_PERMANENT",
                json!("m.event_not_handled"),
                json!(null),
            ),
        ] {
            let Outgoing { kind, content } = sent(outcome, None);
            assert_eq!(kind, KIND);
            assert_eq!(
                (&content["status"], &content["reason"], &content[DELIVERED_TO]),
                (&json!(status), &reason, &readers)
            );
        }
    }

    #[test]
    fn status_refers_to_message_and_says_why() {
        let content = sent(SendOutcome::Retriable(FailedBy::Network), Some("This was not sent: no")).content;
        assert_eq!(
            content,
            json!({
                "network": "whatsapp",
                "status": "FAIL_RETRIABLE",
                "reason": "m.foreign_network_error",
                "message": "This was not sent: no",
                "m.relates_to": {"rel_type": "m.reference", "event_id": "$m"},
                "crm.transaction_id": "i.1.s",
            })
        );
    }
}
