//! Settings of an account as the bridge uses them, resolved once from the configuration.

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::domain::customer::PhoneRegion;
use crate::domain::history::HistoryDepth;
use crate::domain::media::MediaRules;
use crate::domain::message::Message;
use crate::domain::numbers::name_without;
use crate::domain::pacing::Pace;
use crate::domain::{CustomerId, MatrixUserId};

/// Settings of an account as the bridge uses them, resolved once from the configuration.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whether there is a homeserver: without one, no work for rooms is queued.
    pub matrix: bool,
    /// The Matrix user who is told of trouble.
    pub owner: Option<MatrixUserId>,
    /// When customers get read receipts.
    pub read: ReadMode,
    /// Delay between a message and its read receipt, in [`ReadMode::Auto`].
    pub read_delay: RangeInclusive<Duration>,
    /// Pause between two sends of one account.
    pub spacing: RangeInclusive<Duration>,
    /// Age at which an unsent message expires (rule 4); `None`: never.
    pub send_expires: Option<Duration>,
    /// Country whose local numbers are read, besides those in international form.
    pub phone_region: Option<PhoneRegion>,
    /// Zone in which agents give times, unless they have their own.
    pub time_zone: TimeZone,
    /// Whether agents see no customer's number, in rooms either.
    pub hide_numbers: bool,
    /// Limits of first contacts, quiet hours, and the words by which customers opt out and in.
    pub pace: Pace,
    /// Upper bounds of file sizes, when files are fetched, and how often avatars are looked up.
    pub media: MediaRules,
    /// How much history from before the first login is imported, unless a person asks for another depth.
    pub history: HistoryDepth,
}

impl Policy {
    /// Returns a name as rooms show it: without a number in it where agents see none. `of`: the customer whose name it is.
    pub(crate) fn shown_name(&self, name: &str, of: Option<CustomerId>) -> String {
        if self.hide_numbers {
            name_without(name, of.map(|id| id.0))
        } else {
            name.to_owned()
        }
    }

    /// Returns a message as rooms show it: without customers' numbers where agents see none.
    pub(crate) fn shown_message(&self, message: Message) -> Message {
        if self.hide_numbers {
            message.without_numbers()
        } else {
            message
        }
    }
}

/// When customers get read receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadMode {
    /// After a random delay ([`Policy::read_delay`]), and before a reply at the latest.
    Auto,
    /// When an agent has read or answered the message.
    Agent,
    /// Never.
    Never,
}
