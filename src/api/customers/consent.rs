//! `/customers/{id}/opt-out` and `opt-in`: whether a customer may be written to.

use axum::Json;
use axum::extract::State;

use super::tagged;
use crate::api::access::auth::Caller;
use crate::api::http::extract::Path;
use crate::api::http::problem::Problem;
use crate::bridge::Desk;
use crate::contract::CustomerView;
use crate::domain::CustomerId;
use crate::domain::rights::Sight;
use crate::store::Store;

/// `POST /customers/{id}/opt-out`, scope `send`: notes that the customer does not want to be written to, and who noted
/// it. Sends to them are refused from then on.
pub async fn opt_out(
    State(desk): State<Desk>,
    State(store): State<Store>,
    caller: Caller,
    Path(id): Path<CustomerId>,
) -> Result<Json<CustomerView>, Problem> {
    let customer = desk.opt_out(id, caller.author().name).await?;
    Ok(Json(tagged(&store, customer, &caller.sight).await?.body))
}

/// `POST /customers/{id}/opt-in`, scope `manage`: revokes the opt-out.
pub async fn opt_in(
    State(desk): State<Desk>,
    State(store): State<Store>,
    sight: Sight,
    Path(id): Path<CustomerId>,
) -> Result<Json<CustomerView>, Problem> {
    Ok(Json(tagged(&store, desk.opt_in(id).await?, &sight).await?.body))
}
