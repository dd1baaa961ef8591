//! A WhatsApp number that we drive.

mod name;
pub mod session;
pub mod vitals;

use std::time::Duration;

use super::customer::PhoneNumber;
use super::{AccountId, Timestamp};
use session::SessionState;

pub use name::{AccountName, NotAnAccountName};

/// The account that exists from the first start.
pub const DEFAULT_ACCOUNT: &str = "default";

/// An account as everybody outside the store sees it.
#[derive(Clone, Debug, PartialEq)]
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
    /// Since when it is being taken away; none, as long as it is to stay.
    pub removing_at: Option<Timestamp>,
    /// Since when it is gone. What was said through it stays.
    pub removed_at: Option<Timestamp>,
    /// Whether its browser's profile outlives a removal, and with it the link to the phone.
    pub keep_profile: bool,
    /// Older messages than this are history (rule 9); none before the first login.
    pub watermark: Option<Timestamp>,
    /// Changes with every new link of the device (rule 3): an absent message may be sent again only in the login
    /// in which its id was chosen.
    pub login: i64,
    /// When the phone itself last showed that it is in use: it linked us, or somebody wrote on it.
    pub phone_seen_at: Option<Timestamp>,
}

/// Whose phone an account takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// This number's alone: the first that has scanned.
    To(PhoneNumber),
    /// The first that scans, but no other account's.
    FirstBut(Vec<PhoneNumber>),
}

impl Binding {
    /// Whether the phone of this number, in digits, is taken.
    pub fn takes(&self, digits: &str) -> bool {
        match self {
            Self::To(own) => own.digits() == digits,
            Self::FirstBut(taken) => taken.iter().all(|phone| phone.digits() != digits),
        }
    }

    /// The account's own number.
    pub const fn own(&self) -> Option<&PhoneNumber> {
        match self {
            Self::To(own) => Some(own),
            Self::FirstBut(_) => None,
        }
    }
}

/// WhatsApp unlinks a device whose phone was not used for so long.
const UNLINKED_AFTER: Duration = Duration::from_hours(14 * 24);
/// From when on that is worth a word.
const UNSEEN_AFTER: Duration = Duration::from_hours(10 * 24);

/// What to say of a phone that was last seen then, if there is something to say. A device that is linked still when it should
/// long have been unlinked has a phone that is in use, and only ever reads.
pub fn phone_unseen(seen: Timestamp, now: Timestamp) -> Option<String> {
    let unseen = now.since(seen);
    (UNSEEN_AFTER..UNLINKED_AFTER).contains(&unseen).then(|| {
        format!(
            "nobody has been seen to use this account's phone for {} days; open WhatsApp on it before {}, or WhatsApp may \
             unlink this device",
            unseen.as_secs() / 86_400,
            seen.plus(UNLINKED_AFTER)
        )
    })
}

impl Account {
    /// Whether anything may be done through it: it is not gone, and not about to go.
    pub const fn is_in_use(&self) -> bool {
        self.removing_at.is_none() && self.removed_at.is_none()
    }

    /// What was written before this is history. (WhatsApp gives whole seconds: a message written in the very second of the
    /// first login is not older than it.) Without a login everything is.
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
