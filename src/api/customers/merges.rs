//! `/customers/{id}/merge` and `/merges`: two customers become one, and a merge is undone.

use axum::Json;
use axum::extract::State;

use crate::api::access::auth::Caller;
use crate::api::access::sight::Visible as _;
use crate::api::http::extract::{Body, Path};
use crate::api::http::problem::Problem;
use crate::bridge::Desk;
use crate::contract::{MergeRequest, MergeView, Page};
use crate::domain::merge::Merge;
use crate::domain::rights::Sight;
use crate::domain::{CustomerId, MergeId};
use crate::store::Store;

/// `GET /customers/{id}/merges`, scope `read`: lists the merges that a customer was part of.
pub async fn list(
    State(store): State<Store>,
    sight: Sight,
    Path(id): Path<CustomerId>,
) -> Result<Json<Page<MergeView>>, Problem> {
    if store.customers().get(id).await?.is_none() {
        return Err(Problem::not_found("customer", id));
    }
    let merges = store.merges().of_customer(id).await?;
    Ok(Json(Page::whole(
        merges.into_iter().map(|merge| seen(merge, &sight)).collect(),
    )))
}

/// `GET /merges/{id}`, scope `read`: returns a merge.
pub async fn view(
    State(store): State<Store>,
    sight: Sight,
    Path(id): Path<MergeId>,
) -> Result<Json<MergeView>, Problem> {
    let merge = store.merges().get(id).await?;
    let merge = merge.ok_or_else(|| Problem::not_found("merge", id))?;
    Ok(Json(seen(merge, &sight)))
}

/// `POST /customers/{id}/merge`, scope `manage`: merges another customer into this one. If they are merged already,
/// returns the merge that did it.
pub async fn create(
    State(desk): State<Desk>,
    State(store): State<Store>,
    caller: Caller,
    Path(id): Path<CustomerId>,
    body: Body<MergeRequest>,
) -> Result<Json<MergeView>, Problem> {
    body.0.with.check(&store, &caller.sight).await?;
    let merge = desk.merge_customers(id, body.0.with, &caller.name).await?;
    Ok(Json(seen(merge, &caller.sight)))
}

/// `POST /merges/{id}/undo`, scope `manage`: undoes a merge. If it is undone already, returns it as it is.
pub async fn undo(
    State(desk): State<Desk>,
    caller: Caller,
    Path(id): Path<MergeId>,
) -> Result<Json<MergeView>, Problem> {
    Ok(Json(seen(desk.undo_merge(id, &caller.name).await?, &caller.sight)))
}

/// Returns a merge without the conversations of accounts that are not seen.
fn seen(mut merge: Merge, sight: &Sight) -> MergeView {
    merge.conversations.retain(|joined| sight.sees(joined.account_id));
    merge.into()
}
