//! Errors of the store, with sentences that say what to do.

use crate::domain::AccountId;

/// Reason why the store did not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The address of the database cannot be used.
    #[error("this is not a database address: {0}; write sqlite://…, postgres://… or mysql://…")]
    BadAddress(String),
    /// The database does not answer, or refuses the connection.
    #[error("the database cannot be reached: {0}; check that it runs and that its address is right")]
    Unreachable(String),
    /// A newer version of crm has migrated the database, or made the backup.
    #[error(
        "the database was made by a newer version of crm (it has `{found}`); start that version, or restore a backup into a new database"
    )]
    Newer { found: String },
    /// The database is read-only for us.
    #[error("the database cannot be written to: {0}; check the file's owner and permissions, or the server's settings")]
    ReadOnly(String),
    /// The disk or the database is full.
    #[error("the database has no room left: {0}; free some space; nothing that was accepted is lost")]
    Full(String),
    /// The disk fails, or a quota or a limit is reached.
    #[error(
        "the disk fails the database: {0}; check its health, its quota and the limits of the process; nothing that was accepted is lost"
    )]
    Disk(String),
    /// The file was deleted, moved or replaced while it was open.
    #[error(
        "{0} was deleted, moved or replaced while the server runs, and nothing is written any more; put it back, or stop the server and restore a backup"
    )]
    Gone(String),
    /// Another program holds a lock for too long.
    #[error("another program holds the database: {0}; end it, or wait")]
    Busy(String),
    /// The input can never be stored; the caller keeps it elsewhere (rule 13).
    #[error("this cannot be stored: {0}")]
    Unstorable(String),
    /// A value that must be unique exists already.
    #[error("it exists already: {0}")]
    Conflict(String),
    /// A row that was named does not exist.
    #[error("there is no such {what}")]
    Missing { what: &'static str },
    /// Another process has taken the account's lease (rule 26).
    #[error("account {0} is driven by another process now; this one stops driving it")]
    LeaseLost(AccountId),
    /// The account belongs to another profile folder.
    #[error(
        "account {account} belongs to the profile folder {folder}; start crm there, or release it with `crm account release {account}`"
    )]
    LeaseElsewhere { account: AccountId, folder: String },
    /// A value in the database cannot be parsed.
    #[error("the database contains a value that crm cannot read: {0}; restore a backup, or report this")]
    Corrupt(String),
    /// The backup is damaged, incomplete, or none of ours.
    #[error("this backup cannot be read: {0}")]
    BadBackup(String),
    /// Writing the backup failed.
    #[error("the backup cannot be written: {0}")]
    BackupUnwritable(String),
    /// Another backup is being written.
    #[error("a backup is being written already; wait until it has ended")]
    BackupRunning,
    /// A backup can be loaded only into an empty database.
    #[error("the database is not empty; restore into a new one")]
    NotEmpty,
    /// The store was closed, or is closing.
    #[error("the store is closed")]
    Closed,
    /// Any other error of the database.
    #[error("the database refused: {0}")]
    Database(String),
}

impl StoreError {
    /// Returns whether the same request will always fail in the same way.
    pub const fn is_permanent(&self) -> bool {
        matches!(self, Self::Unstorable(_) | Self::Conflict(_))
    }

    /// Returns whether nothing at all can be written, whatever it is.
    pub const fn is_of_database(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_) | Self::ReadOnly(_) | Self::Full(_) | Self::Disk(_) | Self::Gone(_) | Self::Busy(_)
        )
    }

    pub fn corrupt(table: &str, why: impl std::fmt::Display) -> Self {
        Self::Corrupt(format!("{table}: {why}"))
    }
}
