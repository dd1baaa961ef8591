//! `/status`: what `crm status` prints.

use axum::Json;
use axum::extract::State;

use super::problem::Problem;
use super::state::ApiState;
use crate::contract::{AccountStatusView, BacklogView, DatabaseView, OutboxView, StatusView};
use crate::domain::account::Account;
use crate::domain::matrix::{MatrixState, MatrixStatus};
use crate::store::{Store, StoreError};

pub async fn show(State(state): State<ApiState>) -> Result<Json<StatusView>, Problem> {
    Ok(Json(gather(&state).await?))
}

pub async fn gather(state: &ApiState) -> Result<StatusView, StoreError> {
    let store = &state.store;
    let range = store.journal_range().await?;
    Ok(StatusView {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        accounts: accounts(store).await?,
        matrix: state
            .desk
            .matrix_status()
            .unwrap_or(MatrixStatus {
                state: MatrixState::Off,
                detail: None,
                user: None,
            })
            .into(),
        database: DatabaseView {
            state: "ready".to_owned(),
            oldest: range.oldest,
            head: range.head,
        },
        outbox: outbox(state).await?,
        quarantined: store.count_quarantine().await?,
    })
}

pub async fn accounts(store: &Store) -> Result<Vec<AccountStatusView>, StoreError> {
    let mut all = vec![];
    for account in store.accounts().await? {
        all.push(of_account(store, account).await?);
    }
    Ok(all)
}

pub async fn of_account(store: &Store, account: Account) -> Result<AccountStatusView, StoreError> {
    Ok(AccountStatusView {
        history: store.history(account.id).await?.as_ref().map(Into::into),
        sync: store.synced(account.id).await?.as_ref().map(Into::into),
        account: account.into(),
    })
}

pub async fn outbox(state: &ApiState) -> Result<OutboxView, StoreError> {
    let counts = state.store.outbox_counts().await?;
    Ok(OutboxView {
        parked: state.store.parked().await?,
        waiting: counts
            .into_iter()
            .map(|count| BacklogView {
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
