//! `/customers`.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::Deserialize;

use super::extract::{Path, Query};
use super::pages::{self, Cursor, OrderWord, Paging};
use super::problem::Problem;
use crate::domain::CustomerId;
use crate::domain::customer::Customer;
use crate::store::{Order, Store};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    limit: Option<u64>,
    after: Option<Cursor>,
    before: Option<Cursor>,
    order: Option<OrderWord>,
    /// A part of a name or number.
    search: Option<String>,
}

/// Customers by id.
pub async fn list(State(store): State<Store>, uri: Uri, Query(list): Query<List>) -> Result<Response, Problem> {
    let paging = Paging {
        limit: list.limit,
        after: list.after,
        before: list.before,
        order: list.order,
    };
    let request = paging.request(Order::Ascending)?;
    let page = store.customers(request, list.search.as_deref()).await?;
    Ok(pages::answer(page, request.order, &uri))
}

pub async fn view(State(store): State<Store>, Path(id): Path<CustomerId>) -> Result<Json<Customer>, Problem> {
    let customer = store.customer(id).await?;
    customer.map(Json).ok_or_else(|| Problem::not_found("customer", id))
}
