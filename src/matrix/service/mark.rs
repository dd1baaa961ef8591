//! The mark of an application service: the time from which events count, the transaction that was stored last with a digest
//! of its events (a homeserver that was restored from a backup counts its transactions anew, and one of the same number is
//! another one), and the time up to which all rooms were looked through for what was not pushed.

use serde::{Deserialize, Serialize};

use crate::domain::Timestamp;
use crate::domain::matrix::RoomMark;

/// Beginning of our marks. A bot's begin with its user.
const MARK: &str = "service ";

/// Content of a mark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Time from which events count.
    pub(super) since: Timestamp,
    /// The transaction that was stored last; empty if there was none.
    pub(super) key: String,
    /// Time up to which all rooms were looked through; none in marks of versions that never did.
    pub(super) swept: Option<Timestamp>,
    /// Number of pieces that were stored since, so that each has a mark of its own.
    pub(super) part: u32,
}

impl Mark {
    /// Reads a mark. Returns none if it is not an application service's.
    pub(super) fn read(mark: &RoomMark) -> Option<Self> {
        let rest = mark.0.strip_prefix(MARK)?;
        if let Ok(mark) = serde_json::from_str(rest) {
            return Some(mark);
        }
        // As earlier versions wrote it.
        let (since, key) = rest.split_once(' ')?;
        Some(Self {
            since: Timestamp(since.parse().ok()?),
            key: key.to_owned(),
            swept: None,
            part: 0,
        })
    }

    /// Returns the mark as it is stored.
    pub(super) fn write(&self) -> RoomMark {
        let said = serde_json::json!({"since": self.since, "key": self.key, "swept": self.swept, "part": self.part});
        RoomMark(format!("{MARK}{said}"))
    }
}

/// Returns whether an application service has made the mark.
pub fn is_mark(mark: &RoomMark) -> bool {
    Mark::read(mark).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mark_survives_storage_and_older_one_was_never_swept() {
        let mark = Mark {
            since: Timestamp(5),
            key: "1 2/ab".to_owned(),
            swept: Some(Timestamp(7)),
            part: 3,
        };
        assert_eq!(Mark::read(&mark.write()), Some(mark));
        let old = Mark::read(&RoomMark("service 5 1 2/ab".to_owned())).unwrap();
        assert_eq!((old.since, old.key.as_str(), old.swept), (Timestamp(5), "1 2/ab", None));
        assert_eq!(Mark::read(&RoomMark("@desk:localhost s1_2".to_owned())), None);
    }
}
