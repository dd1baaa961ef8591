//! `/status`: what `crm status` prints.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::bridge::Desk;
use crate::domain::account::Account;
use crate::domain::history::{History, Synced};
use crate::domain::matrix::{MatrixState, MatrixStatus};
use crate::domain::outbox::Target;
use crate::domain::{AccountId, Seq, Timestamp};
use crate::store::{Store, StoreError};

/// The whole desk at a glance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    pub version: String,
    pub accounts: Vec<AccountStatus>,
    pub matrix: MatrixStatus,
    pub database: DatabaseStatus,
    pub outbox: OutboxStatus,
    /// Events from outside that could not be taken in; `crm doctor` lists them.
    pub quarantined: u64,
}

/// An account with what is told of it here alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccountStatus {
    #[serde(flatten)]
    pub account: Account,
    /// How far the import of its history is; null when there is none.
    pub history: Option<History>,
    /// What the last comparison with the page has found; null before the first.
    pub sync: Option<Synced>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DatabaseStatus {
    pub state: String,
    /// Numbers of the oldest event that is kept and of the newest.
    pub oldest: Seq,
    pub head: Seq,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OutboxStatus {
    /// After a restore nothing goes out until `crm outbox resume`.
    pub parked: bool,
    pub waiting: Vec<Backlog>,
}

/// What waits for one side of one account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Backlog {
    pub target: Target,
    pub account_id: AccountId,
    pub waiting: u64,
    /// Of these: handed over at least once, so the outcome may be unknown.
    pub started: u64,
    /// Of these: refused at least once.
    pub refused: u64,
    pub oldest: Timestamp,
}

pub async fn show(State(store): State<Store>, State(desk): State<Desk>) -> Result<Json<Status>, Problem> {
    Ok(Json(gather(&store, &desk).await?))
}

pub async fn gather(store: &Store, desk: &Desk) -> Result<Status, StoreError> {
    let range = store.journal_range().await?;
    Ok(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        accounts: accounts(store).await?,
        matrix: desk.matrix_status().unwrap_or(MatrixStatus {
            state: MatrixState::Off,
            detail: None,
            user: None,
        }),
        database: DatabaseStatus {
            state: "ready".to_owned(),
            oldest: range.oldest,
            head: range.head,
        },
        outbox: outbox(store).await?,
        quarantined: store.count_quarantine().await?,
    })
}

pub async fn accounts(store: &Store) -> Result<Vec<AccountStatus>, StoreError> {
    let mut all = vec![];
    for account in store.accounts().await? {
        all.push(of_account(store, account).await?);
    }
    Ok(all)
}

pub async fn of_account(store: &Store, account: Account) -> Result<AccountStatus, StoreError> {
    Ok(AccountStatus {
        history: store.history(account.id).await?,
        sync: store.synced(account.id).await?,
        account,
    })
}

pub async fn outbox(store: &Store) -> Result<OutboxStatus, StoreError> {
    let counts = store.outbox_counts().await?;
    Ok(OutboxStatus {
        parked: store.parked().await?,
        waiting: counts
            .into_iter()
            .map(|count| Backlog {
                target: count.target,
                account_id: count.account_id,
                waiting: count.waiting,
                started: count.started,
                refused: count.refused,
                oldest: count.oldest,
            })
            .collect(),
    })
}
