//! `/accounts`: the WhatsApp accounts of this server, and the linking of their devices. Anybody who sees a session's
//! codes can link a device with them, so they need the scope `manage` and are never logged.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::access::auth::Caller;
use super::access::sight::AccountPath;
use super::http::answer::{Accepted, Created, Keyed, Replay, Tagged, Unless};
use super::http::extract::{Body, Path, Query};
use super::http::listing::{Listed, Listing};
use super::http::problem::{Code, Problem};
use super::http::tags::is_known;
use super::http::takes::IdempotencyKey;
use super::messages::{idempotency, phone_number};
use super::state::ApiState;
use super::watch::status;
use crate::bridge::Answered;
use crate::contract::{AccountStatusView, AccountView, LoginRequest, NewAccount, RebindRequest, SessionView};
use crate::domain::AccountId;
use crate::domain::account::Account;
use crate::domain::account::{AccountName, NotAnAccountName};
use crate::domain::rights::Sight;
use crate::domain::whatsapp::LoginMethod;
use crate::store::{Order, Store};

/// Maximum of `Prefer: wait`.
const MAX_WAIT: Duration = Duration::from_secs(30);

static PREFER: HeaderName = HeaderName::from_static("prefer");

/// Filters of the list of accounts.
#[derive(Deserialize, JsonSchema)]
pub struct Filter {
    /// Whether removed accounts are listed too.
    removed: Option<bool>,
}

/// `GET /accounts`, scope `read`: lists accounts by id.
pub async fn list(
    State(store): State<Store>,
    sight: Sight,
    list: Listing<Filter>,
) -> Result<Listed<AccountView>, Problem> {
    let request = list.page(Order::Ascending);
    let removed = list.filter.removed.unwrap_or(false);
    let page = store.accounts().page(request, removed, sight.accounts()).await?;
    Ok(list.answer(request, page))
}

/// `GET /accounts/{name}`, scope `read`: returns an account, also a removed one, as in `/status`.
pub async fn view(
    State(store): State<Store>,
    Path(AccountPath(name)): Path<AccountPath>,
) -> Result<Json<AccountStatusView>, Problem> {
    let account = account(&store, &name).await?;
    Ok(Json(status::of_account(&store, account).await?))
}

/// `POST /accounts`, scope `admin`: adds an account. A removed account of that name comes back with its conversations.
pub async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    Body(new): Body<NewAccount>,
) -> Result<Keyed<Created<AccountView>>, Problem> {
    let idempotency = idempotency(&caller, key, "accounts", &new)?;
    let name: AccountName = new
        .name
        .parse()
        .map_err(|error: NotAnAccountName| Problem::wrong_field("/name", error.to_string()))?;
    Ok(match state.desk.add_account(name, idempotency).await? {
        Answered::New(account) => Keyed::New(Created {
            location: place(&account.name),
            body: account.into(),
        }),
        Answered::Replayed(stored) => {
            let location = stored.response.parse().ok().map(|Place { name }| place(&name));
            Keyed::Replayed(Replay::of(stored, location)?)
        }
    })
}

/// The name in a stored answer, whichever version wrote that answer.
#[derive(Deserialize)]
struct Place {
    name: String,
}

/// Query of the removal.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Removal {
    /// Whether the browser's profile stays, and with it the link to the phone.
    keep_profile: Option<bool>,
}

/// `DELETE /accounts/{name}`, scope `admin`: starts to remove an account, and answers 202. The removal has ended once
/// the account has a `removed_at`.
pub async fn remove(
    State(state): State<ApiState>,
    Path(AccountPath(name)): Path<AccountPath>,
    Query(removal): Query<Removal>,
) -> Result<Accepted<AccountView>, Problem> {
    let account = account(&state.store, &name).await?;
    let keep_profile = removal.keep_profile.unwrap_or(false);
    let account = state.desk.remove_account(account.id, keep_profile).await?;
    Ok(Accepted::at(place(&account.name), account.into()))
}

fn place(name: &str) -> String {
    format!("/api/v1/accounts/{name}")
}

/// `POST /accounts/{name}/release`, scope `manage`: releases the lease of an account whose holder died (rule 26).
pub async fn release(
    State(state): State<ApiState>,
    Path(AccountPath(name)): Path<AccountPath>,
) -> Result<Json<AccountView>, Problem> {
    let account = account(&state.store, &name).await?;
    Ok(Json(state.desk.release_account(account.id).await?.into()))
}

/// `POST /accounts/{name}/rebind`, scope `admin`: binds the account to another number, whose phone then has to scan the
/// code. Its conversations stay.
pub async fn rebind(
    State(state): State<ApiState>,
    Path(AccountPath(name)): Path<AccountPath>,
    Body(rebind): Body<RebindRequest>,
) -> Result<Json<AccountView>, Problem> {
    let account = in_use(&state.store, &name).await?;
    let phone = phone_number(&state.desk, "/phone", &rebind.phone)?;
    Ok(Json(state.desk.rebind_account(account.id, phone).await?.into()))
}

/// `GET /accounts/{name}/session`, scope `manage`: returns the session with its codes. With `If-None-Match` and
/// `Prefer: wait=20` it answers when the session changes, or 304 after that time. Answers 409 if the account is removed.
pub async fn session(
    State(state): State<ApiState>,
    caller: Caller,
    Path(AccountPath(name)): Path<AccountPath>,
    headers: HeaderMap,
) -> Result<Unless<SessionView>, Problem> {
    let changed = changed_session(&state, &name, &headers);
    state.access().unless_ended(&caller, changed).await?
}

/// Waits for a session that the client does not know; returns that it is the same after the time that the client waits.
async fn changed_session(state: &ApiState, name: &str, headers: &HeaderMap) -> Result<Unless<SessionView>, Problem> {
    let account = in_use(&state.store, name).await?;
    let mut session = state.desk.session(account.id).await?;
    let mut failed = state.desk.link_failed(account.id).await?;
    let mut waited = Box::pin(tokio::time::sleep(wait(headers)));
    loop {
        let view = SessionView {
            error: failed.borrow_and_update().clone(),
            ..SessionView::from(&*session.borrow_and_update())
        };
        let body = serde_json::to_vec(&view).map_err(|error| Problem::internal(&error.into()))?;
        let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha256::digest(&body)));
        if !is_known(headers, &tag) {
            return Ok(Unless::Changed(Tagged { tag, body: view }));
        }
        tokio::select! {
            changed = session.changed() => changed.map_err(|_| not_driven(name))?,
            changed = failed.changed() => changed.map_err(|_| not_driven(name))?,
            () = &mut waited => return Ok(Unless::Same { tag }),
            () = state.supervisor.stopping().cancelled_owned() => return Err(not_driven(name)),
        }
    }
}

/// Returns the time in `Prefer: wait=…`, at most [`MAX_WAIT`].
pub(super) fn wait(headers: &HeaderMap) -> Duration {
    let seconds = headers
        .get_all(&PREFER)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|preference| preference.trim().strip_prefix("wait=")?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(0)).min(MAX_WAIT)
}

/// `POST /accounts/{name}/login`, scope `manage`: asks for a device to be linked, and answers 202. The session then has
/// the codes, or the reason of a failure.
pub async fn login(
    State(state): State<ApiState>,
    Path(AccountPath(name)): Path<AccountPath>,
    Body(login): Body<LoginRequest>,
) -> Result<StatusCode, Problem> {
    let account = in_use(&state.store, &name).await?;
    let phone = login.phone.map(|text| phone_number(&state.desk, "/phone", &text));
    let method = phone.transpose()?.map_or(LoginMethod::Qr, LoginMethod::PairingCode);
    if let Some(depth) = login.history {
        state.desk.ask_history(account.id, depth).await?;
    }
    state.desk.login(account.id, method).await?;
    Ok(StatusCode::ACCEPTED)
}

/// `POST /accounts/{name}/logout`, scope `manage`: asks for the device to be unlinked, and answers 202.
pub async fn logout(
    State(state): State<ApiState>,
    Path(AccountPath(name)): Path<AccountPath>,
) -> Result<StatusCode, Problem> {
    let account = in_use(&state.store, &name).await?;
    state.desk.logout(account.id).await?;
    Ok(StatusCode::ACCEPTED)
}

/// `POST /accounts/{name}/takeover`, scope `manage`: asks to take the session over from another window of WhatsApp Web,
/// and answers 202.
pub async fn take_over(
    State(state): State<ApiState>,
    Path(AccountPath(name)): Path<AccountPath>,
) -> Result<StatusCode, Problem> {
    let account = in_use(&state.store, &name).await?;
    state.desk.take_over(account.id).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Returns the account of a path, by name or id; also a removed one.
pub(super) async fn account(store: &Store, name: &str) -> Result<Account, Problem> {
    let account = store.accounts().called(name).await?;
    account.ok_or_else(|| Problem::not_found("account", name))
}

/// Returns the account of a path. A problem (409) if it is removed or being removed.
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

/// Returns the account that a list is filtered by, if one is named.
pub(super) async fn wanted(store: &Store, sight: &Sight, name: Option<&str>) -> Result<Option<AccountId>, Problem> {
    let Some(name) = name else { return Ok(None) };
    match account(store, name).await {
        Ok(account) if sight.sees(account.id) => Ok(Some(account.id)),
        Ok(_) => Err(Problem::not_found("account", name).at("/account")),
        Err(problem) => Err(problem.at("/account")),
    }
}

fn not_driven(name: &str) -> Problem {
    let detail = format!("this server does not drive the account {name}; `crm status` says why");
    Problem::new(Code::Unavailable, detail)
}
