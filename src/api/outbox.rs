//! `/outbox`: what waits to go out, and the word to let it go after a restore (rule 5).

use axum::Json;
use axum::extract::State;

use super::problem::Problem;
use super::state::ApiState;
use super::status;
use crate::contract::OutboxView;

pub async fn show(State(state): State<ApiState>) -> Result<Json<OutboxView>, Problem> {
    Ok(Json(status::outbox(&state).await?))
}

pub async fn resume(State(state): State<ApiState>) -> Result<Json<OutboxView>, Problem> {
    state.desk.resume_outbox().await?;
    Ok(Json(status::outbox(&state).await?))
}
