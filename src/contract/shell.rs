//! Types of `-o json` that the shell itself puts together; all others are the server's JSON.

use serde::{Deserialize, Serialize};

use super::{CustomerView, FailureView, HistoryView, IdentityView, MergeView, MessageView, WaitingView};
use crate::domain::message::MessageState;
use crate::domain::session::SessionState;
use crate::domain::{MessageId, WaMessageId};

/// Output of `crm send`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendReport {
    /// Id of the message.
    pub id: MessageId,
    /// Delivery state.
    pub state: MessageState,
    /// Stanza id; null before it is chosen.
    pub whatsapp_id: Option<WaMessageId>,
    /// Reason why it was not sent, or may not have been sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureView>,
    /// Reason why it is held back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<WaitingView>,
}

/// Output of `crm customer view`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomerFile {
    /// The customer.
    #[serde(flatten)]
    pub customer: CustomerView,
    /// Identities, present and past.
    pub identities: Vec<IdentityView>,
    /// Merges that the customer took part in.
    pub merges: Vec<MergeView>,
}

/// A line of `crm login`. Its codes let anybody link a device, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum LoginEvent {
    /// Content of a QR code to be scanned.
    Qr { code: String },
    /// Code to be entered on the phone.
    PairingCode { code: String },
    /// State of the session.
    State {
        state: SessionState,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
}

/// A line of `crm login` about the import of history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEvent {
    /// State of the import.
    #[serde(flatten)]
    pub history: HistoryView,
    /// Always `history`.
    pub event: String,
}

impl From<&MessageView> for SendReport {
    fn from(message: &MessageView) -> Self {
        Self {
            id: message.id,
            state: message.state,
            whatsapp_id: message.whatsapp_id.clone(),
            failure: message.failure.clone(),
            waiting: message.waiting,
        }
    }
}

impl From<HistoryView> for HistoryEvent {
    fn from(history: HistoryView) -> Self {
        Self {
            history,
            event: "history".to_owned(),
        }
    }
}
