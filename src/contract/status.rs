//! State of the desk and its parts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AccountStatusView;
use crate::domain::account::AccountKind;
use crate::domain::matrix::{MatrixState, MatrixStatus};
use crate::domain::outbox::Target;
use crate::domain::session::SessionState;
use crate::domain::{AccountId, MatrixUserId, Seq, Timestamp};

/// State of the whole desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusView {
    /// Version of the server.
    pub version: String,
    /// Accounts with their imports and comparisons.
    pub accounts: Vec<AccountStatusView>,
    /// Connection to the homeserver.
    pub matrix: MatrixView,
    /// Database and journal.
    pub database: DatabaseView,
    /// Work that waits.
    pub outbox: OutboxView,
    /// Number of events from outside that could not be stored.
    pub quarantined: u64,
    /// Room for media, where the server tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaRoomView>,
    /// Connections of clients, where the server tells them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<ApiStatusView>,
}

/// Free space where media are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MediaRoomView {
    /// Whether less is free than is kept free, so that no media are fetched or taken.
    pub short: bool,
    /// Bytes that are free; null where the system does not tell.
    pub free_bytes: Option<u64>,
    /// Bytes that are kept free.
    pub floor_bytes: u64,
}

/// Connections of clients to the API, and the files that the process may open for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApiStatusView {
    /// Connections that are open.
    pub connections: u64,
    /// Connections that may be open.
    pub max_connections: u64,
    /// WebSockets among them whose client is identified.
    pub websockets: u64,
    /// File descriptors that the process has open; null where the system does not tell.
    pub open_files: Option<u64>,
    /// File descriptors that the process may open; null where the system does not tell.
    pub max_open_files: Option<u64>,
}

/// State of the connection to the homeserver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MatrixView {
    /// State of the connection.
    pub state: MatrixState,
    /// Problem and what to do.
    pub detail: Option<String>,
    /// Our own Matrix user, once it is known.
    pub user: Option<MatrixUserId>,
}

/// State of the database and its journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatabaseView {
    /// `ready`, or `unwritable` (it can be read only).
    pub state: String,
    /// Problem and what to do, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Number of the oldest event that is kept; one more than `head` if there is none.
    pub oldest: Seq,
    /// Number of the newest event; 0 if there never was one.
    pub head: Seq,
    /// Time until which nothing is deleted or expires, because the clock has leapt ahead of when the server last ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_doubted_until: Option<Timestamp>,
}

/// Work that waits for WhatsApp and Matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutboxView {
    /// Whether nothing is sent until `crm outbox resume`, as after a restore.
    pub parked: bool,
    /// Counts by target and account.
    pub waiting: Vec<BacklogView>,
}

/// Work that waits for one target of one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BacklogView {
    /// WhatsApp or Matrix.
    pub target: Target,
    /// Account that the work is for.
    pub account_id: AccountId,
    /// Rows of work.
    pub waiting: u64,
    /// Those of them that were handed over at least once, so that the outcome may be unknown.
    pub started: u64,
    /// Those of them that were refused at least once.
    pub refused: u64,
    /// Time when the oldest was accepted.
    pub oldest: Timestamp,
}

/// Body of `/healthz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AliveView {
    /// Always `ok`.
    pub status: String,
}

/// Body of `/readyz`. If the database does not answer, `whatsapp` and `matrix` are absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReadyView {
    /// Whether the server can do its work.
    pub ready: bool,
    /// State of the database.
    pub database: DatabaseStateView,
    /// States of the accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whatsapp: Option<Vec<ReadyAccountView>>,
    /// State of the connection to the homeserver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<MatrixStateView>,
    /// Room for media; without it, messages go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaRoomView>,
}

/// State of the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatabaseStateView {
    /// `ready`, `unwritable` (it can be read only) or `unavailable`.
    pub state: String,
    /// Problem and what to do, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// State of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReadyAccountView {
    /// Name of the account.
    pub name: String,
    /// Kind of the account; absent for `web`.
    #[serde(default, skip_serializing_if = "AccountKind::is_web")]
    pub kind: AccountKind,
    /// State of its session.
    pub state: SessionState,
    /// Problem and what to do, where there is something to say.
    pub detail: Option<String>,
}

/// State of the connection to the homeserver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MatrixStateView {
    /// State of the connection.
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
