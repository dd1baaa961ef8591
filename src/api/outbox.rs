//! `/outbox`: the work that waits to go out, and its release after a restore (rule 5).

use axum::Json;
use axum::extract::State;

use super::http::problem::Problem;
use super::watch::status;
use crate::bridge::Desk;
use crate::contract::OutboxView;
use crate::domain::rights::Sight;
use crate::store::Store;

/// `GET /outbox`, scope `read`: returns how much work waits, and whether the outbox is parked.
pub async fn show(State(store): State<Store>, sight: Sight) -> Result<Json<OutboxView>, Problem> {
    Ok(Json(status::outbox(&store, &sight).await?))
}

/// `POST /outbox/resume`, scope `manage`: releases an outbox that a restore has parked, and returns its state.
pub async fn resume(State(store): State<Store>, State(desk): State<Desk>) -> Result<Json<OutboxView>, Problem> {
    desk.resume_outbox().await?;
    Ok(Json(status::outbox(&store, &Sight::default()).await?))
}
