//! Accounts: the WhatsApp numbers that this server drives, and the linking of their devices.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HistoryView, SyncView};
use crate::domain::account::{Account, AccountKind};
use crate::domain::customer::PhoneNumber;
use crate::domain::history::HistoryDepth;
use crate::domain::session::{Me, Session, SessionState};
use crate::domain::{AccountId, Timestamp};

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountView {
    /// Id of the account.
    pub id: AccountId,
    /// Name of the account, unique.
    pub name: String,
    /// Kind of the account; absent for `web`, those that this server drives.
    #[serde(default, skip_serializing_if = "AccountKind::is_web")]
    pub kind: AccountKind,
    /// State of its session with WhatsApp Web; always `ready` for a gateway's account.
    pub state: SessionState,
    /// Meaning of the state and what to do, where there is something to say.
    pub detail: Option<String>,
    /// Phone number that the account is bound to, once a phone has linked it.
    pub phone: Option<PhoneNumber>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
    /// Time when its removal began; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removing_at: Option<Timestamp>,
    /// Time when its removal ended; absent otherwise. Its conversations and messages stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
}

impl AccountView {
    /// Returns whether the account is neither removed nor being removed.
    pub const fn is_in_use(&self) -> bool {
        self.removing_at.is_none() && self.removed_at.is_none()
    }
}

/// An account with its import and its last comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountStatusView {
    /// The account.
    #[serde(flatten)]
    pub account: AccountView,
    /// Import of its history; null when there is none.
    pub history: Option<HistoryView>,
    /// Last comparison with WhatsApp; null before the first.
    pub sync: Option<SyncView>,
}

/// Session of an account with WhatsApp. Its codes let anybody link a device, so only keys of scope `manage` may see it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionView {
    /// State of the session.
    pub state: SessionState,
    /// Problem and what to do, where there is something to say.
    pub detail: Option<String>,
    /// Content of the QR code.
    pub qr: Option<String>,
    /// Pairing code to be entered on the phone.
    pub pairing_code: Option<String>,
    /// The linked phone.
    pub me: Option<MeView>,
    /// Reason why the last login, logout or take-over failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A linked phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MeView {
    /// Number of the phone.
    pub phone: PhoneNumber,
    /// Digits of its LID, if WhatsApp reports it.
    pub lid: Option<String>,
    /// Name that the owner has chosen.
    pub name: Option<String>,
}

/// Request for a new account, or to restore a removed one.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// Name: 1 to 32 lower-case letters, digits, `-` and `_`, beginning with a letter.
    pub name: String,
}

/// Request to link a device.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// Number of the phone on which a pairing code is entered; without it, a QR code is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// How far back the history is imported, counted from the first login; without it, the configuration decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<HistoryDepth>,
}

/// Body of `POST /accounts/{name}/rebind`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RebindRequest {
    /// Number that the account has from now on.
    pub phone: String,
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        Self {
            id: account.id,
            name: account.name,
            kind: account.kind,
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
