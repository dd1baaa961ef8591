//! `/status`: the state of the whole desk, as `crm status` prints it.

use axum::Json;
use axum::extract::State;

use super::metrics::Metrics;
use crate::api::http::problem::{Problem, advice};
use crate::api::server::descriptors;
use crate::bridge::Desk;
use crate::contract::{
    AccountStatusView, ApiStatusView, BacklogView, DatabaseView, MediaRoomView, OutboxView, StatusView,
};
use crate::domain::account::Account;
use crate::domain::matrix::{MatrixState, MatrixStatus};
use crate::domain::rights::Sight;
use crate::store::{Store, StoreError};

/// `GET /status`, scope `read`: returns the state of the accounts, Matrix, the database and the outbox.
pub async fn show(
    State(store): State<Store>,
    State(desk): State<Desk>,
    State(metrics): State<Metrics>,
    sight: Sight,
) -> Result<Json<StatusView>, Problem> {
    let mut status = gather(&store, &desk, &sight).await?;
    status.api = Some(connections(&metrics));
    Ok(Json(status))
}

/// `POST /clock/confirm`, scope `admin`: believes the server's clock although it has leapt ahead, and returns the state of
/// the desk.
pub async fn confirm_clock(State(store): State<Store>, State(desk): State<Desk>) -> Result<Json<StatusView>, Problem> {
    desk.confirm_clock().await?;
    Ok(Json(gather(&store, &desk, &Sight::default()).await?))
}

/// Returns how many connections there are, and may be.
fn connections(metrics: &Metrics) -> ApiStatusView {
    let files = descriptors::now();
    let [connections, max_connections, websockets] = [&metrics.connections, &metrics.connections_max, &metrics.sockets]
        .map(|gauge| u64::try_from(gauge.get()).unwrap_or(0));
    ApiStatusView {
        connections,
        max_connections,
        websockets,
        open_files: files.map(|files| files.open),
        max_open_files: files.map(|files| files.limit),
    }
}

/// Reads the state as somebody gets to see it, also for `/metrics`.
pub async fn gather(store: &Store, desk: &Desk, sight: &Sight) -> Result<StatusView, StoreError> {
    let range = store.journal().range().await?;
    let unwritable = store.unwritable().borrow().clone();
    Ok(StatusView {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        accounts: accounts(store, sight).await?,
        matrix: matrix(desk).into(),
        database: DatabaseView {
            state: if unwritable.is_some() { "unwritable" } else { "ready" }.to_owned(),
            detail: unwritable.and_then(|state| advice(&state.error)).map(str::to_owned),
            oldest: range.oldest,
            head: range.head,
            clock_doubted_until: store.clock_doubted_until().await?,
        },
        outbox: outbox(store, sight).await?,
        quarantined: if sight.is_whole() {
            store.quarantine().count().await?
        } else {
            0
        },
        media: Some(media(desk)),
        api: None,
    })
}

/// Returns the state of the connection to the homeserver.
pub fn matrix(desk: &Desk) -> MatrixStatus {
    desk.matrix_status().unwrap_or(MatrixStatus {
        state: MatrixState::Off,
        detail: None,
        user: None,
    })
}

/// Returns the free space where media are stored.
pub fn media(desk: &Desk) -> MediaRoomView {
    let room = desk.room();
    MediaRoomView {
        short: room.is_short(),
        free_bytes: room.free,
        floor_bytes: room.floor,
    }
}

/// Returns the state of every account that is seen and not removed.
pub async fn accounts(store: &Store, sight: &Sight) -> Result<Vec<AccountStatusView>, StoreError> {
    let mut all = vec![];
    for account in store.sights().accounts(sight).await? {
        all.push(of_account(store, account).await?);
    }
    Ok(all)
}

/// Returns an account with its history import and its last comparison.
pub async fn of_account(store: &Store, account: Account) -> Result<AccountStatusView, StoreError> {
    Ok(AccountStatusView {
        history: store.history().get(account.id).await?.as_ref().map(Into::into),
        sync: store.accounts().synced(account.id).await?.as_ref().map(Into::into),
        account: account.into(),
    })
}

/// Returns how much work waits, and whether the outbox is parked.
pub async fn outbox(store: &Store, sight: &Sight) -> Result<OutboxView, StoreError> {
    let counts = store.outbox().counts().await?;
    Ok(OutboxView {
        parked: store.settings().is_parked().await?,
        waiting: counts
            .into_iter()
            .filter(|count| sight.sees(count.account_id))
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
