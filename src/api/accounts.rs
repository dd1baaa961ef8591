//! `/accounts`: the numbers that we drive, and the linking of devices. A session's codes let anybody link a device: they
//! are shown to `manage` only, and stand in no log.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::extract::{Body, Path, Query};
use super::pages::{self, Cursor, OrderWord, Paging};
use super::problem::{Code, Problem};
use super::state::ApiState;
use super::status::{self, AccountStatus};
use crate::domain::AccountId;
use crate::domain::account::Account;
use crate::domain::account_name::{AccountName, NotAnAccountName};
use crate::domain::customer::PhoneNumber;
use crate::domain::history::HistoryDepth;
use crate::domain::session::{Me, Session, SessionState};
use crate::domain::whatsapp::LoginMethod;
use crate::store::{Order, Store};

/// Longest wait for a change of a session (`Prefer: wait`).
const MAX_WAIT: Duration = Duration::from_secs(30);

static PREFER: HeaderName = HeaderName::from_static("prefer");

/// A session as it is told.
#[derive(Clone, Serialize, Deserialize)]
pub struct SessionView {
    pub state: SessionState,
    pub detail: Option<String>,
    /// What the QR code holds.
    pub qr: Option<String>,
    pub pairing_code: Option<String>,
    pub me: Option<Me>,
}

impl From<&Session> for SessionView {
    fn from(session: &Session) -> Self {
        Self {
            state: session.state,
            detail: session.detail.clone(),
            qr: session.qr.clone(),
            pairing_code: session.pairing_code.clone(),
            me: session.me.clone(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    limit: Option<u64>,
    after: Option<Cursor>,
    before: Option<Cursor>,
    order: Option<OrderWord>,
    /// Also those that are gone.
    removed: Option<bool>,
}

/// Accounts by id.
pub async fn list(State(store): State<Store>, uri: Uri, Query(list): Query<List>) -> Result<Response, Problem> {
    let paging = Paging {
        limit: list.limit,
        after: list.after,
        before: list.before,
        order: list.order,
    };
    let request = paging.request(Order::Ascending)?;
    let page = store.list_accounts(request, list.removed.unwrap_or(false)).await?;
    Ok(pages::answer(page, request.order, &uri))
}

/// An account, be it gone, with what is told of it in the status.
pub async fn view(State(store): State<Store>, Path(name): Path<String>) -> Result<Json<AccountStatus>, Problem> {
    let account = account(&store, &name).await?;
    Ok(Json(status::of_account(&store, account).await?))
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    pub name: String,
}

/// Adds an account; one that is gone comes back as it was.
pub async fn create(State(state): State<ApiState>, Body(new): Body<NewAccount>) -> Result<Response, Problem> {
    let name: AccountName = new
        .name
        .parse()
        .map_err(|error: NotAnAccountName| Problem::wrong_field("/name", error.to_string()))?;
    let account = state.desk.add_account(name).await?;
    let location = format!("/api/v1/accounts/{}", account.name);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(account)).into_response())
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
) -> Result<Response, Problem> {
    let account = account(&state.store, &name).await?;
    let keep_profile = removal.keep_profile.unwrap_or(false);
    let account = state.desk.remove_account(account.id, keep_profile).await?;
    let location = format!("/api/v1/accounts/{}", account.name);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(account)).into_response())
}

/// Lets an account go whose holder is gone.
pub async fn release(State(state): State<ApiState>, Path(name): Path<String>) -> Result<Json<Account>, Problem> {
    let account = account(&state.store, &name).await?;
    Ok(Json(state.desk.release_account(account.id).await?))
}

/// The session now; with `If-None-Match` and `Prefer: wait=20` once it is another than that.
pub async fn session(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let account = in_use(&state.store, &name).await?;
    let mut session = state.desk.session(account.id).await?;
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tag| tag.to_str().ok());
    let mut waited = Box::pin(tokio::time::sleep(wait(&headers)));
    loop {
        let view = SessionView::from(&*session.borrow_and_update());
        let body = serde_json::to_vec(&view).map_err(|error| Problem::internal(&error.into()))?;
        let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha256::digest(&body)));
        if known != Some(&tag) {
            return Ok((
                [
                    (header::ETAG, tag),
                    (header::CONTENT_TYPE, "application/json".to_owned()),
                ],
                body,
            )
                .into_response());
        }
        tokio::select! {
            changed = session.changed() => changed.map_err(|_| not_driven(&name))?,
            () = &mut waited => return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response()),
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

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Link with a code that is typed on the phone of this number; with a QR code otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<PhoneNumber>,
    /// How much of what was written before the first login is imported; the configuration says so otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<HistoryDepth>,
}

/// Starts linking a device.
pub async fn login(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    Body(login): Body<Login>,
) -> Result<StatusCode, Problem> {
    let account = in_use(&state.store, &name).await?;
    if let Some(depth) = login.history {
        state.desk.ask_history(account.id, depth).await?;
    }
    let method = login.phone.map_or(LoginMethod::Qr, LoginMethod::PairingCode);
    state.desk.login(account.id, method).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Unlinks the device.
pub async fn logout(State(state): State<ApiState>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    let account = in_use(&state.store, &name).await?;
    state.desk.logout(account.id).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Takes the session over from another window.
pub async fn take_over(State(state): State<ApiState>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    let account = in_use(&state.store, &name).await?;
    state.desk.take_over(account.id).await?;
    Ok(StatusCode::ACCEPTED)
}

/// The account that a path names, by name or id; also one that is gone.
pub(super) async fn account(store: &Store, name: &str) -> Result<Account, Problem> {
    let account = store.account_called(name).await?;
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
