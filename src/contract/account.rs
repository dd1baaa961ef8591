//! Accounts: the WhatsApp numbers that this server drives, and the linking of their devices.

use serde::{Deserialize, Serialize};

use super::{HistoryView, SyncView};
use crate::domain::account::Account;
use crate::domain::customer::PhoneNumber;
use crate::domain::history::HistoryDepth;
use crate::domain::session::{Me, Session, SessionState};
use crate::domain::{AccountId, Timestamp};

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    pub id: AccountId,
    pub name: String,
    pub state: SessionState,
    /// What the state means for the reader and what to do about it, where there is something to say.
    pub detail: Option<String>,
    /// The number that the account is bound to, once a phone has linked it.
    pub phone: Option<PhoneNumber>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Since when it is being removed; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removing_at: Option<Timestamp>,
    /// When it was removed; absent otherwise. Its conversations and messages stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
}

impl AccountView {
    /// Whether it is neither removed nor being removed.
    pub const fn is_in_use(&self) -> bool {
        self.removing_at.is_none() && self.removed_at.is_none()
    }
}

/// An account with its import and its last comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountStatusView {
    #[serde(flatten)]
    pub account: AccountView,
    /// The import of its history; null when there is none.
    pub history: Option<HistoryView>,
    /// The last comparison with WhatsApp; null before the first.
    pub sync: Option<SyncView>,
}

/// The session of an account with WhatsApp. Its codes let anybody link a device: they are for keys of scope `manage` alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    pub state: SessionState,
    pub detail: Option<String>,
    /// The content of the QR code.
    pub qr: Option<String>,
    pub pairing_code: Option<String>,
    /// The linked phone.
    pub me: Option<MeView>,
    /// Why the login, logout or take-over that was asked for last has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A linked phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeView {
    pub phone: PhoneNumber,
    /// The LID's digits, where WhatsApp tells it.
    pub lid: Option<String>,
    pub name: Option<String>,
}

/// Asks for a new account, or for a removed one back.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// 1 to 32 small letters, digits, `-` and `_`, beginning with a letter.
    pub name: String,
}

/// Asks to link a device.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// Link with a code that is typed on the phone of this number; with a QR code otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<PhoneNumber>,
    /// How much of what was written before the first login is imported; the configuration decides otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<HistoryDepth>,
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        Self {
            id: account.id,
            name: account.name,
            state: account.state,
            detail: account.detail,
            phone: account.phone,
            created_at: account.created_at,
            updated_at: account.updated_at,
            removing_at: account.removing_at,
            removed_at: account.removed_at,
        }
    }
}

impl From<&Account> for AccountView {
    fn from(account: &Account) -> Self {
        account.clone().into()
    }
}

impl From<&Session> for SessionView {
    fn from(session: &Session) -> Self {
        Self {
            state: session.state,
            detail: session.detail.clone(),
            qr: session.qr.clone(),
            pairing_code: session.pairing_code.clone(),
            me: session.me.clone().map(Into::into),
            error: None,
        }
    }
}

impl From<Me> for MeView {
    fn from(Me { phone, lid, name }: Me) -> Self {
        Self { phone, lid, name }
    }
}
