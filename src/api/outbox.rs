//! `/outbox`: what waits to go out, and the word to let it go after a restore (rule 5).

use axum::Json;
use axum::extract::State;

use super::problem::Problem;
use super::status::{self, OutboxStatus};
use crate::bridge::Desk;
use crate::store::Store;

pub async fn show(State(store): State<Store>) -> Result<Json<OutboxStatus>, Problem> {
    Ok(Json(status::outbox(&store).await?))
}

pub async fn resume(State(store): State<Store>, State(desk): State<Desk>) -> Result<Json<OutboxStatus>, Problem> {
    desk.resume_outbox().await?;
    Ok(Json(status::outbox(&store).await?))
}
