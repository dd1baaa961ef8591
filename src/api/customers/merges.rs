//! That two customers are one, and that they are two after all.

use axum::Json;
use axum::extract::State;

use crate::api::access::auth::Caller;
use crate::api::http::extract::{Body, Path};
use crate::api::http::problem::Problem;
use crate::bridge::Desk;
use crate::contract::{MergeRequest, MergeView, Page};
use crate::domain::{CustomerId, MergeId};
use crate::store::Store;

/// All in which a customer had a part.
pub async fn list(State(store): State<Store>, Path(id): Path<CustomerId>) -> Result<Json<Page<MergeView>>, Problem> {
    if store.customers().get(id).await?.is_none() {
        return Err(Problem::not_found("customer", id));
    }
    let merges = store.merges().of_customer(id).await?;
    Ok(Json(Page::whole(merges.into_iter().map(Into::into).collect())))
}

pub async fn view(State(store): State<Store>, Path(id): Path<MergeId>) -> Result<Json<MergeView>, Problem> {
    let merge = store.merges().get(id).await?;
    let merge = merge.ok_or_else(|| Problem::not_found("merge", id))?;
    Ok(Json(merge.into()))
}

/// Makes one of two customers. Where they are one already, the answer is the merge that made them so.
pub async fn create(
    State(desk): State<Desk>,
    caller: Caller,
    Path(id): Path<CustomerId>,
    body: Body<MergeRequest>,
) -> Result<Json<MergeView>, Problem> {
    Ok(Json(desk.merge_customers(id, body.0.with, &caller.name).await?.into()))
}

/// Makes two of them again. Where they are two already, the answer is the merge as it was undone.
pub async fn undo(
    State(desk): State<Desk>,
    caller: Caller,
    Path(id): Path<MergeId>,
) -> Result<Json<MergeView>, Problem> {
    Ok(Json(desk.undo_merge(id, &caller.name).await?.into()))
}
