//! `/accounts`: the numbers that we drive, and the linking of devices. A session's codes let anybody link a device: they
//! are shown to `manage` only, and stand in no log.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::http::answer::{Accepted, Created, Tagged, Unless};
use super::http::extract::{Body, Path, Query};
use super::http::listing::{Listed, Listing};
use super::http::problem::{Code, Problem};
use super::state::ApiState;
use super::watch::status;
use crate::contract::{AccountStatusView, AccountView, LoginRequest, NewAccount, SessionView};
use crate::domain::AccountId;
use crate::domain::account::Account;
use crate::domain::account::{AccountName, NotAnAccountName};
use crate::domain::whatsapp::LoginMethod;
use crate::store::{Order, Store};

/// Longest wait for a change of a session (`Prefer: wait`).
const MAX_WAIT: Duration = Duration::from_secs(30);

static PREFER: HeaderName = HeaderName::from_static("prefer");

#[derive(Deserialize)]
pub struct Filter {
    /// Also those that are gone.
    removed: Option<bool>,
}

/// Accounts by id.
pub async fn list(State(store): State<Store>, list: Listing<Filter>) -> Result<Listed<AccountView>, Problem> {
    let request = list.page(Order::Ascending)?;
    let page = store
        .accounts()
        .page(request, list.filter.removed.unwrap_or(false))
        .await?;
    Ok(list.answer(request, page))
}

/// An account, be it gone, with what is told of it in the status.
pub async fn view(State(store): State<Store>, Path(name): Path<String>) -> Result<Json<AccountStatusView>, Problem> {
    let account = account(&store, &name).await?;
    Ok(Json(status::of_account(&store, account).await?))
}

/// Adds an account; one that is gone comes back as it was.
pub async fn create(
    State(state): State<ApiState>,
    Body(new): Body<NewAccount>,
) -> Result<Created<AccountView>, Problem> {
    let name: AccountName = new
        .name
        .parse()
        .map_err(|error: NotAnAccountName| Problem::wrong_field("/name", error.to_string()))?;
    let account = state.desk.add_account(name).await?;
    Ok(Created {
        location: place(&account),
        body: account.into(),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removal {
    /// Leave the browser's profile where it is, and with it the link to the phone.
    keep_profile: Option<bool>,
}

/// Begins to take an account away; it is done once `removed_at` says so.
pub async fn remove(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    Query(removal): Query<Removal>,
) -> Result<Accepted<AccountView>, Problem> {
    let account = account(&state.store, &name).await?;
    let keep_profile = removal.keep_profile.unwrap_or(false);
    let account = state.desk.remove_account(account.id, keep_profile).await?;
    Ok(Accepted::at(place(&account), account.into()))
}

fn place(account: &Account) -> String {
    format!("/api/v1/accounts/{}", account.name)
}

/// Lets an account go whose holder is gone.
pub async fn release(State(state): State<ApiState>, Path(name): Path<String>) -> Result<Json<AccountView>, Problem> {
    let account = account(&state.store, &name).await?;
    Ok(Json(state.desk.release_account(account.id).await?.into()))
}

/// The session now; with `If-None-Match` and `Prefer: wait=20` once it is another than that.
pub async fn session(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Unless<SessionView>, Problem> {
    let account = in_use(&state.store, &name).await?;
    let mut session = state.desk.session(account.id).await?;
    let mut failed = state.desk.link_failed(account.id).await?;
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tag| tag.to_str().ok());
    let mut waited = Box::pin(tokio::time::sleep(wait(&headers)));
    loop {
        let view = SessionView {
            error: failed.borrow_and_update().clone(),
            ..SessionView::from(&*session.borrow_and_update())
        };
        let body = serde_json::to_vec(&view).map_err(|error| Problem::internal(&error.into()))?;
        let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha256::digest(&body)));
        if known != Some(&tag) {
            return Ok(Unless::Changed(Tagged { tag, body: view }));
        }
        tokio::select! {
            changed = session.changed() => changed.map_err(|_| not_driven(&name))?,
            changed = failed.changed() => changed.map_err(|_| not_driven(&name))?,
            () = &mut waited => return Ok(Unless::Same { tag }),
            () = state.supervisor.stopping().cancelled_owned() => return Err(not_driven(&name)),
        }
    }
}

/// How long the caller wants to wait.
pub(super) fn wait(headers: &HeaderMap) -> Duration {
    let seconds = headers
        .get_all(&PREFER)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|preference| preference.trim().strip_prefix("wait=")?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(0)).min(MAX_WAIT)
}

/// Asks for a device to be linked; the session shows its codes, or why that failed.
pub async fn login(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    Body(login): Body<LoginRequest>,
) -> Result<StatusCode, Problem> {
    let account = in_use(&state.store, &name).await?;
    if let Some(depth) = login.history {
        state.desk.ask_history(account.id, depth).await?;
    }
    let method = login.phone.map_or(LoginMethod::Qr, LoginMethod::PairingCode);
    state.desk.login(account.id, method).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Asks for the device to be unlinked.
pub async fn logout(State(state): State<ApiState>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    let account = in_use(&state.store, &name).await?;
    state.desk.logout(account.id).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Asks for the session to be taken over from another window.
pub async fn take_over(State(state): State<ApiState>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    let account = in_use(&state.store, &name).await?;
    state.desk.take_over(account.id).await?;
    Ok(StatusCode::ACCEPTED)
}

/// The account that a path names, by name or id; also one that is gone.
pub(super) async fn account(store: &Store, name: &str) -> Result<Account, Problem> {
    let account = store.accounts().called(name).await?;
    account.ok_or_else(|| Problem::not_found("account", name))
}

/// The same, where something is to be done through it.
pub(super) async fn in_use(store: &Store, name: &str) -> Result<Account, Problem> {
    let account = account(store, name).await?;
    if account.is_in_use() {
        return Ok(account);
    }
    let what = if account.removed_at.is_some() {
        "was removed"
    } else {
        "is being removed"
    };
    let detail = format!(
        "the account {0} {what}; `crm account add {0}` brings it back",
        account.name
    );
    Err(Problem::new(Code::Conflict, detail))
}

/// The account by which a list is narrowed, where one is named.
pub(super) async fn wanted(store: &Store, name: Option<&str>) -> Result<Option<AccountId>, Problem> {
    match name {
        None => Ok(None),
        Some(name) => match account(store, name).await {
            Ok(account) => Ok(Some(account.id)),
            Err(problem) => Err(problem.at("/account")),
        },
    }
}

fn not_driven(name: &str) -> Problem {
    let detail = format!("this server does not drive the account {name}");
    Problem::new(Code::Unavailable, detail)
}
