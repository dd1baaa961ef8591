//! `/outbox`: what waits to go out, and the word to let it go after a restore (rule 5).

use axum::Json;
use axum::extract::State;

use super::http::problem::Problem;
use super::watch::status;
use crate::bridge::Desk;
use crate::contract::OutboxView;
use crate::store::Store;

pub async fn show(State(store): State<Store>) -> Result<Json<OutboxView>, Problem> {
    Ok(Json(status::outbox(&store).await?))
}

pub async fn resume(State(store): State<Store>, State(desk): State<Desk>) -> Result<Json<OutboxView>, Problem> {
    desk.resume_outbox().await?;
    Ok(Json(status::outbox(&store).await?))
}
