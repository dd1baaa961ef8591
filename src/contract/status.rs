//! How the desk stands.

use serde::{Deserialize, Serialize};

use super::AccountStatusView;
use crate::domain::matrix::{MatrixState, MatrixStatus};
use crate::domain::outbox::Target;
use crate::domain::session::SessionState;
use crate::domain::{AccountId, MatrixUserId, Seq, Timestamp};

/// The whole desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusView {
    /// The server's version.
    pub version: String,
    pub accounts: Vec<AccountStatusView>,
    pub matrix: MatrixView,
    pub database: DatabaseView,
    pub outbox: OutboxView,
    /// Events from outside that could not be stored.
    pub quarantined: u64,
}

/// The connection to the homeserver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatrixView {
    pub state: MatrixState,
    /// What is wrong and what to do.
    pub detail: Option<String>,
    pub user: Option<MatrixUserId>,
}

/// The database and its journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseView {
    /// `ready`.
    pub state: String,
    /// The oldest event that is kept; one after `head` when there is none.
    pub oldest: Seq,
    /// The newest event; 0 when there never was one.
    pub head: Seq,
}

/// The work that waits for WhatsApp and Matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxView {
    /// Whether nothing goes out until `crm outbox resume`, as after a restore.
    pub parked: bool,
    pub waiting: Vec<BacklogView>,
}

/// The work that waits for one side of one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BacklogView {
    pub target: Target,
    pub account_id: AccountId,
    pub waiting: u64,
    /// Of these: handed over at least once, so that the outcome may be unknown.
    pub started: u64,
    /// Of these: refused at least once.
    pub refused: u64,
    /// When the oldest was accepted.
    pub oldest: Timestamp,
}

/// Body of `/healthz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliveView {
    /// `ok`.
    pub status: String,
}

/// Body of `/readyz`. Where the database does not answer, the rest is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyView {
    pub ready: bool,
    pub database: DatabaseStateView,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whatsapp: Option<Vec<ReadyAccountView>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<MatrixStateView>,
}

/// The database's state: `ready` or `unavailable`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseStateView {
    pub state: String,
}

/// An account's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyAccountView {
    pub name: String,
    pub state: SessionState,
    pub detail: Option<String>,
}

/// The homeserver's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatrixStateView {
    pub state: MatrixState,
}

impl From<MatrixStatus> for MatrixView {
    fn from(status: MatrixStatus) -> Self {
        Self {
            state: status.state,
            detail: status.detail,
            user: status.user,
        }
    }
}
