//! The import of history (messages from before the first login): its depth and its progress.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Timestamp;
use super::word::words;

const DAY: Duration = Duration::from_hours(24);

/// How far back the import reaches, counted from the first login. Written `90d`, `all` or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HistoryDepth {
    /// Nothing is imported.
    None,
    /// This many days are imported.
    Days(u32),
    /// Everything that the page has is imported.
    All,
}

impl HistoryDepth {
    /// Returns the time before which nothing is imported, for an account that was linked at `linked`.
    pub fn since(self, linked: Timestamp) -> Timestamp {
        match self {
            Self::None => linked,
            Self::Days(days) => linked.minus(DAY * days),
            // The smallest time, because some messages claim to be older than 1970.
            Self::All => Timestamp(i64::MIN),
        }
    }
}

impl fmt::Display for HistoryDepth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Days(days) => write!(f, "{days}d"),
            Self::All => f.write_str("all"),
        }
    }
}

/// Error: the text is not a depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a number of days such as 90d, or all, or none")]
pub struct NotADepth;

impl FromStr for HistoryDepth {
    type Err = NotADepth;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "none" | "off" | "0" | "0d" => Ok(Self::None),
            "all" => Ok(Self::All),
            text => {
                let days = text.strip_suffix("days").or_else(|| text.strip_suffix('d'));
                let days = days.and_then(|days| days.trim().parse().ok());
                days.map(Self::Days).ok_or(NotADepth)
            }
        }
    }
}

impl Serialize for HistoryDepth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HistoryDepth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

words! {
    /// State of an import.
    HistoryState {
        /// The depth is chosen, but the account is not linked yet.
        Waiting = "waiting",
        Running = "running",
        Done = "done",
    }
}

/// An account's import, as all modules outside the store see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// State of the import.
    pub state: HistoryState,
    /// Depth of the import.
    pub depth: HistoryDepth,
    /// Chats with messages within the depth, as far as they are known.
    pub chats_total: i64,
    /// Chats that are imported.
    pub chats_done: i64,
    /// Messages imported.
    pub messages: i64,
    /// Time when the import began.
    pub started_at: Option<Timestamp>,
    /// Time when the import ended.
    pub finished_at: Option<Timestamp>,
    /// Time before which nothing is imported.
    pub since: Option<Timestamp>,
}

impl History {
    /// Returns the share of chats that are imported, in whole percent.
    pub const fn percent(&self) -> i64 {
        match self.chats_total {
            0 => 0,
            total => self.chats_done * 100 / total,
        }
    }
}

/// Result of comparing an account with its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synced {
    /// Time of the last comparison.
    pub synced_at: Timestamp,
    /// Missed messages that the last comparison found.
    pub recovered: i64,
    /// Missed messages that all comparisons found.
    pub recovered_total: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_depth_round_trips() {
        for text in ["none", "1d", "90d", "all"] {
            assert_eq!(text.parse::<HistoryDepth>().unwrap().to_string(), text);
        }
        assert_eq!("30 days".parse(), Ok(HistoryDepth::Days(30)));
        assert_eq!("0d".parse(), Ok(HistoryDepth::None));
        for wrong in ["", "-1d", "90", "soon", "99999999999d"] {
            assert_eq!(wrong.parse::<HistoryDepth>(), Err(NotADepth), "{wrong}");
        }
    }

    #[test]
    fn deeper_import_reaches_further_back() {
        let linked = Timestamp::from_seconds(1_790_000_000);
        let reach = |text: &str| text.parse::<HistoryDepth>().unwrap().since(linked);
        assert_eq!(reach("none"), linked);
        assert_eq!(reach("1d"), linked.minus(Duration::from_hours(24)));
        assert!(reach("all") < reach("4000000000d"), "whatever somebody writes");
        let depths: Vec<HistoryDepth> = ["none", "7d", "90d", "all"].map(|text| text.parse().unwrap()).into();
        assert!(depths.is_sorted());
    }
}
