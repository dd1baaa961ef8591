//! `/me`: what the server knows of whoever asks.

use axum::Json;
use axum::extract::State;

use crate::api::access::auth::Caller;
use crate::api::http::problem::Problem;
use crate::contract::CallerView;
use crate::store::Store;

/// `GET /me`, scope `read`: returns the caller: the key, the agent as whom it acts, their rights and their time zone.
pub async fn view(State(store): State<Store>, caller: Caller) -> Result<Json<CallerView>, Problem> {
    let agent = match caller.agent {
        Some(agent) => store.agents().get(agent).await?,
        None => None,
    };
    Ok(Json(CallerView {
        key_id: caller.key,
        name: caller.name,
        scope: caller.scope,
        accounts: caller.sight.accounts().map(<[_]>::to_vec),
        agent_id: caller.agent,
        time_zone: agent.and_then(|agent| agent.time_zone),
    }))
}
