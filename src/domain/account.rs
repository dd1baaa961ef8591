//! A WhatsApp number that we drive.

use serde::{Deserialize, Serialize};

use super::customer::PhoneNumber;
use super::session::SessionState;
use super::{AccountId, Timestamp};

/// The account that exists from the first start.
pub const DEFAULT_ACCOUNT: &str = "default";

/// An account as everybody outside the store sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    pub id: AccountId,
    pub name: String,
    pub state: SessionState,
    /// What the state means for the reader and what to do about it, where there is something to say.
    pub detail: Option<String>,
    /// The number that the account is bound to: the first one that scanned.
    pub phone: Option<PhoneNumber>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Older messages than this are history (`RULES` 9); none before the first login.
    #[serde(skip)]
    pub watermark: Option<Timestamp>,
    /// Changes with every new link of the device (`RULES` 3): an absent message may be sent again only in the login
    /// in which its id was chosen.
    #[serde(skip)]
    pub login: i64,
}

impl Account {
    /// What was written before this is history. (WhatsApp gives whole seconds: a message written in the very second of the
    /// first login is not older than it.) Without a login everything is.
    pub fn history_ends(&self) -> Timestamp {
        self.watermark
            .map_or(Timestamp(i64::MAX), |watermark| Timestamp(watermark.0 / 1000 * 1000))
    }
}
