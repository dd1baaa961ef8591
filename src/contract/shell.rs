//! What the shell's `-o json` puts together itself; everything else there is the server's JSON.

use serde::{Deserialize, Serialize};

use super::{CustomerView, FailureView, HistoryView, IdentityView, MergeView, MessageView, WaitingView};
use crate::domain::message::MessageState;
use crate::domain::session::SessionState;
use crate::domain::{MessageId, WaMessageId};

/// Output of `crm send`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendReport {
    pub id: MessageId,
    pub state: MessageState,
    pub whatsapp_id: Option<WaMessageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureView>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<WaitingView>,
}

/// Output of `crm customer view`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomerFile {
    #[serde(flatten)]
    pub customer: CustomerView,
    pub identities: Vec<IdentityView>,
    pub merges: Vec<MergeView>,
}

/// A line of `crm login`. Its codes let anybody link a device, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum LoginEvent {
    /// The content of the QR code that is to be scanned.
    Qr { code: String },
    /// The code that is to be typed on the phone.
    PairingCode { code: String },
    State {
        state: SessionState,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
}

/// A line of `crm login` about the import of history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEvent {
    #[serde(flatten)]
    pub history: HistoryView,
    /// `history`.
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
