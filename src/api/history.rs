//! `/accounts/{name}/history`: the import of messages from before the first login. `/accounts/{name}/sync`: the
//! comparison of the store with the page, and the result of the last one.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use tokio::time::timeout;

use super::access::auth::Caller;
use super::access::sight::{AccountPath, Visible as _};
use super::accounts::{account, in_use, wait};
use super::http::answer::{Accepted, InTime};
use super::http::extract::{Body, Path};
use super::http::problem::{Code, Problem};
use super::messages;
use super::state::ApiState;
use crate::bridge::{Desk, SendTo};
use crate::contract::{HistoryRequest, HistoryView, SyncRequest, SyncStarted, SyncView};

/// Returns the chat to compare, or `None` for all chats of the account.
fn chat(desk: &Desk, request: &SyncRequest) -> Result<Option<SendTo>, Problem> {
    if request.to.is_none() && request.customer_id.is_none() && request.conversation_id.is_none() {
        return Ok(None);
    }
    messages::addressee(
        desk,
        request.to.as_deref(),
        request.customer_id,
        request.conversation_id,
    )
    .map(Some)
}

/// `GET /accounts/{name}/history`, scope `read`: returns the state of the history import. 404 before the first one.
pub async fn show(
    State(state): State<ApiState>,
    Path(AccountPath(name)): Path<AccountPath>,
) -> Result<Json<HistoryView>, Problem> {
    let account = account(&state.store, &name).await?;
    let history = state.store.history().get(account.id).await?;
    let history = history.ok_or_else(|| Problem::not_found("import of history of", name))?;
    Ok(Json((&history).into()))
}

/// `POST /accounts/{name}/history`, scope `manage`: imports history to this depth if it is deeper than before, and
/// checks chats again that had no older messages.
pub async fn ask(
    State(state): State<ApiState>,
    Path(AccountPath(name)): Path<AccountPath>,
    Body(ask): Body<HistoryRequest>,
) -> Result<Accepted<HistoryView>, Problem> {
    let account = in_use(&state.store, &name).await?;
    let history = state.desk.ask_history(account.id, ask.depth).await?;
    Ok(Accepted::of((&history).into()))
}

/// `GET /accounts/{name}/sync`, scope `read`: returns the result of the last comparison.
pub async fn synced(
    State(state): State<ApiState>,
    Path(AccountPath(name)): Path<AccountPath>,
) -> Result<Json<SyncView>, Problem> {
    let account = account(&state.store, &name).await?;
    let synced = state.store.accounts().synced(account.id).await?;
    let synced = synced.ok_or_else(|| Problem::not_found("comparison of", name))?;
    Ok(Json((&synced).into()))
}

/// `POST /accounts/{name}/sync`, scope `manage`: compares with the page now. Answers 200 with the result if it ends
/// within `Prefer: wait`; else 202, and the comparison goes on.
pub async fn sync(
    State(state): State<ApiState>,
    Path(AccountPath(name)): Path<AccountPath>,
    caller: Caller,
    headers: HeaderMap,
    Body(request): Body<SyncRequest>,
) -> Result<InTime<SyncView, SyncStarted>, Problem> {
    if let Some(customer) = request.customer_id {
        customer.check(&state.store, &caller.sight).await?;
    }
    if let Some(conversation) = request.conversation_id {
        conversation.check(&state.store, &caller.sight).await?;
    }
    let account = in_use(&state.store, &name).await?;
    let asked_at = state.clock.now();
    let answered = state.desk.sync(account.id, chat(&state.desk, &request)?).await?;
    let answered = timeout(wait(&headers), answered);
    match state.access().unless_ended(&caller, answered).await? {
        Ok(Ok(synced)) => Ok(InTime::Done((&synced).into())),
        Ok(Err(_)) => Err(Problem::new(
            Code::Unavailable,
            "this server no longer drives the account; `crm status` says why",
        )),
        Err(_) => {
            let location = format!("/api/v1/accounts/{name}/sync");
            Ok(InTime::Late(Accepted::at(location, SyncStarted { asked_at })))
        }
    }
}
