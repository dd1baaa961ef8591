//! What can go wrong with the store, in words that say what to do.

use crate::domain::AccountId;

/// Why the store did not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error("this is no database address: {0}; write sqlite://…, postgres://… or mysql://…")]
    BadAddress(String),
    #[error("the database cannot be reached: {0}; check that it runs and that its address is right")]
    Unreachable(String),
    #[error(
        "the database was made by a newer version of crm (it has `{found}`); start that version, or restore a backup into a new database"
    )]
    Newer { found: String },
    #[error("the database cannot be written to: {0}; check the file's owner and permissions, or the server's settings")]
    ReadOnly(String),
    #[error("the database has no room left: {0}; free some space; nothing that was accepted is lost")]
    Full(String),
    #[error("another program holds the database: {0}; end it, or wait")]
    Busy(String),
    /// Never going to be stored, whatever is done: the caller keeps it elsewhere (rule 13).
    #[error("this cannot be stored: {0}")]
    Unstorable(String),
    /// Something that has to be unique is there already.
    #[error("it is there already: {0}")]
    Conflict(String),
    #[error("there is no such {what}")]
    Missing { what: &'static str },
    /// Another process drives the account now (rule 26).
    #[error("account {0} is driven by another process now; this one stops driving it")]
    LeaseLost(AccountId),
    #[error(
        "account {account} belongs to the profile folder {folder}; start crm there, or or let it go with `crm account release {account}`"
    )]
    LeaseElsewhere { account: AccountId, folder: String },
    #[error("the database holds what crm never wrote: {0}; restore a backup, or report this")]
    Corrupt(String),
    #[error("this backup cannot be read: {0}")]
    BadBackup(String),
    #[error("the backup cannot be written: {0}")]
    BackupUnwritable(String),
    #[error("the database is not empty; restore into a new one")]
    NotEmpty,
    #[error("the store is closed")]
    Closed,
    #[error("the database refused: {0}")]
    Database(String),
}

impl StoreError {
    /// Whether the same request will fail in the same way for ever.
    pub const fn is_permanent(&self) -> bool {
        matches!(self, Self::Unstorable(_) | Self::Conflict(_))
    }

    pub fn corrupt(table: &str, why: impl std::fmt::Display) -> Self {
        Self::Corrupt(format!("{table}: {why}"))
    }
}
