//! Backups: every table as lines of JSON, in the same format for all databases. A backup has a header, one line per
//! row, and an end line with counts that shows whether it is complete.

mod dump;
mod load;

pub use dump::BackupWriter;

use serde::{Deserialize, Serialize};

/// Name of the format, in the first line of a backup.
const FORMAT: &str = "crm-backup";
/// Version of the format, raised when the meaning of the lines changes. (A change of the rows comes with a migration,
/// and the header names that.)
const VERSION: u32 = 1;

/// Counts of what a backup contains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupReport {
    /// Rows of all tables.
    pub rows: u64,
    /// Rows of the table `messages`.
    pub messages: u64,
}

/// First line of a backup.
#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    /// Newest migration of the database that the backup was made from.
    schema: String,
    made_at: crate::domain::Timestamp,
}

/// Last line of a backup.
#[derive(Serialize, Deserialize)]
struct End {
    end: BackupReport,
}

/// Calls a macro with the name of every table, in an order in which a table comes after those that it references.
/// `numbered`: the database generates the ids of its rows.
macro_rules! for_each_table {
    ($visit:ident) => {
        $visit! {
            account numbered, customer numbered, customer_identity numbered, merge numbered, customer_apart numbered,
            conversation numbered, media numbered, media_preview, message numbered, chat_group numbered,
            room numbered, room_event numbered, room_reaction numbered, pending_event numbered, question numbered, card numbered, room_place numbered, room_read numbered, agent_receipt numbered, agent numbered, api_key numbered,
            audit numbered, idempotency_key numbered, journal_head, journal, outbox numbered, cursor, setting,
            quarantine numbered, history_import, history_chat numbered, early_ack numbered,
            label numbered, conversation_label numbered, customer_label numbered, note numbered, scheduled_send numbered,
            template numbered, attribute numbered, export numbered, internal_event numbered,
            taken_event,
        }
    };
}
use for_each_table;
