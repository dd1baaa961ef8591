//! A WhatsApp account that crm drives.

mod name;
pub mod session;
pub mod vitals;

use std::time::Duration;

use super::customer::PhoneNumber;
use super::word::words;
use super::{AccountId, Timestamp};
use session::SessionState;

pub use name::{AccountName, NotAnAccountName};

/// Name of the account that exists from the first start.
pub const DEFAULT_ACCOUNT: &str = "default";
/// Name of the account that is made when an outside gateway first tells something with a key of all accounts.
pub const GATEWAY_ACCOUNT: &str = "gateway";

words! {
    /// Kind of an account: who drives it.
    AccountKind {
        /// This server, by WhatsApp Web in a browser.
        Web = "web",
        /// A program outside, which tells what it receives.
        Gateway = "gateway",
    }
}

impl Default for AccountKind {
    /// Returns the kind of accounts that are from before there were others.
    fn default() -> Self {
        Self::Web
    }
}

impl AccountKind {
    /// Returns whether this server drives accounts of this kind.
    pub const fn is_web(&self) -> bool {
        matches!(self, Self::Web)
    }
}

/// An account, as all modules outside the store see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Id of the account.
    pub id: AccountId,
    /// Name of the account, unique.
    pub name: String,
    /// Kind of the account.
    pub kind: AccountKind,
    /// State of its session with WhatsApp Web; always `ready` for a gateway's.
    pub state: SessionState,
    /// Meaning of the state for the reader and what to do, where there is something to say.
    pub detail: Option<String>,
    /// Number that the account is bound to: the first one that was linked.
    pub phone: Option<PhoneNumber>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
    /// Time when its removal began; `None` while it is to stay.
    pub removing_at: Option<Timestamp>,
    /// Time when its removal ended. Its messages stay.
    pub removed_at: Option<Timestamp>,
    /// Whether its browser profile is kept when it is removed, and with it the link to the phone.
    pub keep_profile: bool,
    /// Watermark: older messages are history (rule 9). `None` before the first login.
    pub watermark: Option<Timestamp>,
    /// Number of the present link of the device (rule 3): a message that WhatsApp does not have may be sent again only
    /// in the login in which its id was chosen.
    pub login: i64,
    /// When the phone itself was last seen in use: it linked us, or somebody wrote on it.
    pub phone_seen_at: Option<Timestamp>,
}

/// Phone numbers that may link an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// Only this number: the first one that was linked.
    To(PhoneNumber),
    /// The first number that is linked, but none of these, which other accounts have.
    FirstBut(Vec<PhoneNumber>),
}

impl Binding {
    /// Returns whether the phone with this number, in digits without `+`, may link the account.
    pub fn takes(&self, digits: &str) -> bool {
        match self {
            Self::To(own) => own.digits() == digits,
            Self::FirstBut(taken) => taken.iter().all(|phone| phone.digits() != digits),
        }
    }

    /// Returns the number that the account is bound to.
    pub const fn own(&self) -> Option<&PhoneNumber> {
        match self {
            Self::To(own) => Some(own),
            Self::FirstBut(_) => None,
        }
    }
}

/// Time without use after which WhatsApp unlinks the phone's devices.
const UNLINKED_AFTER: Duration = Duration::from_hours(14 * 24);
/// Time without use after which we warn.
const UNSEEN_AFTER: Duration = Duration::from_hours(10 * 24);

/// Returns a warning about a phone that was last seen at `seen`, if one is due. No warning after 14 days: a device that
/// is still linked then has a phone that is in use, but only for reading.
pub fn phone_unseen(seen: Timestamp, now: Timestamp) -> Option<String> {
    let unseen = now.since(seen);
    (UNSEEN_AFTER..UNLINKED_AFTER).contains(&unseen).then(|| {
        format!(
            "this account's phone was not used for {} days; open WhatsApp on it before {}, or WhatsApp may \
             unlink this device",
            unseen.as_secs() / 86_400,
            seen.plus(UNLINKED_AFTER)
        )
    })
}

impl Account {
    /// Returns whether the account can be used: it is not removed, and its removal has not begun.
    pub const fn is_in_use(&self) -> bool {
        self.removing_at.is_none() && self.removed_at.is_none()
    }

    /// Returns whether an outside gateway drives the account: it has no browser and no session of ours.
    pub const fn is_gateway(&self) -> bool {
        !self.kind.is_web()
    }

    /// Returns the time before which messages are history. (WhatsApp gives whole seconds, so a message of the very
    /// second of the first login is not history.) Without a login everything is history.
    pub fn history_ends(&self) -> Timestamp {
        self.watermark
            .map_or(Timestamp(i64::MAX), |watermark| Timestamp(watermark.0 / 1000 * 1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After 14 days WhatsApp unlinks a device; the phone of one that is still linked is in use.
    #[test]
    fn unseen_phone_is_reported_before_unlinking() {
        let seen = Timestamp(1_790_000_000_000);
        let after = |days: u64| phone_unseen(seen, seen.plus(Duration::from_hours(days * 24)));
        assert_eq!(after(0), None);
        assert_eq!(after(9), None);
        let told = after(10).unwrap();
        assert!(told.contains("10 days") && told.contains("2026-10-05"), "{told}");
        assert!(after(13).is_some());
        assert_eq!(after(14), None, "linked still, so it is in use");
        assert_eq!(phone_unseen(seen, Timestamp::ZERO), None, "a clock that was set back");
    }
}
