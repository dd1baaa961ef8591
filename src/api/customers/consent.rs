//! `/customers/{id}/opt-out` and `opt-in`: who is not written to.

use axum::Json;
use axum::extract::State;

use crate::api::access::auth::Caller;
use crate::api::http::extract::Path;
use crate::api::http::problem::Problem;
use crate::bridge::Desk;
use crate::contract::CustomerView;
use crate::domain::CustomerId;

/// The customer does not want to be written to.
pub async fn opt_out(
    State(desk): State<Desk>,
    caller: Caller,
    Path(id): Path<CustomerId>,
) -> Result<Json<CustomerView>, Problem> {
    Ok(Json(desk.opt_out(id, caller.author().name).await?.into()))
}

/// They do again.
pub async fn opt_in(State(desk): State<Desk>, Path(id): Path<CustomerId>) -> Result<Json<CustomerView>, Problem> {
    Ok(Json(desk.opt_in(id).await?.into()))
}
