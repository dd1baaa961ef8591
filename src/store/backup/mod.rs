//! Backups: every table as lines of JSON, the same for all databases. A header, a line for each row, and an end that tells
//! whether all of it is there.

mod dump;
mod load;

use serde::{Deserialize, Serialize};

/// What the first line says a backup is.
const FORMAT: &str = "crm-backup";
/// Raised when the lines change their meaning. (When the rows do, a migration does, and the header names it.)
const VERSION: u32 = 1;

/// What was written or read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupReport {
    pub rows: u64,
    pub messages: u64,
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    /// The newest migration of the database that it was made from.
    schema: String,
    made_at: crate::domain::Timestamp,
}

/// The last line.
#[derive(Serialize, Deserialize)]
struct End {
    end: BackupReport,
}

/// Names every table once, in an order in which each comes after those that its rows point at. `numbered`: its rows have ids
/// that the database gives.
macro_rules! for_each_table {
    ($visit:ident) => {
        $visit! {
            account numbered, customer numbered, customer_identity numbered, merge numbered, customer_apart numbered,
            conversation numbered, media numbered, message numbered, chat_group numbered,
            room numbered, room_event numbered, pending_event numbered, agent numbered, api_key numbered,
            audit numbered, idempotency_key numbered, journal_head, journal, outbox numbered, cursor, setting,
            quarantine numbered, history_import, history_chat numbered,
        }
    };
}
use for_each_table;
