//! `/customers/{id}/opt-out` and `opt-in`: whether a customer may be written to.

use axum::Json;
use axum::extract::State;

use crate::api::access::auth::Caller;
use crate::api::http::extract::Path;
use crate::api::http::problem::Problem;
use crate::bridge::Desk;
use crate::contract::CustomerView;
use crate::domain::CustomerId;

/// `POST /customers/{id}/opt-out`, scope `send`: notes that the customer does not want to be written to, and who noted
/// it. Sends to them are refused from then on.
pub async fn opt_out(
    State(desk): State<Desk>,
    caller: Caller,
    Path(id): Path<CustomerId>,
) -> Result<Json<CustomerView>, Problem> {
    Ok(Json(desk.opt_out(id, caller.author().name).await?.into()))
}

/// `POST /customers/{id}/opt-in`, scope `manage`: revokes the opt-out.
pub async fn opt_in(State(desk): State<Desk>, Path(id): Path<CustomerId>) -> Result<Json<CustomerView>, Problem> {
    Ok(Json(desk.opt_in(id).await?.into()))
}
