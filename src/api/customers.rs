//! `/customers`.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::accounts;
use super::extract::{Body, Path, Query};
use super::pages::{self, Cursor, OrderWord, Paging};
use super::problem::Problem;
use crate::bridge::{CustomerEdit, Desk};
use crate::domain::customer::{Customer, PhoneNumber};
use crate::domain::{CustomerId, revision};
use crate::store::{CustomerChange, CustomerFilter, Order, Store};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    limit: Option<u64>,
    after: Option<Cursor>,
    before: Option<Cursor>,
    order: Option<OrderWord>,
    /// A part of a name or number.
    search: Option<String>,
    /// Those with whom this account has a conversation, by name or id.
    account: Option<String>,
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
    let filter = CustomerFilter {
        search: list.search,
        account: accounts::wanted(&store, list.account.as_deref()).await?,
    };
    let page = store.customers(request, &filter).await?;
    Ok(pages::answer(page, request.order, &uri))
}

/// A customer with their revision as `ETag`. Whoever asks for one who was merged is shown the way to whom they turned out to be:
/// for as long as that holds, so that nobody should remember it for ever.
pub async fn view(State(store): State<Store>, Path(id): Path<CustomerId>) -> Result<Response, Problem> {
    let customer = store
        .customer(id)
        .await?
        .ok_or_else(|| Problem::not_found("customer", id))?;
    if customer.merged_into.is_none() {
        return Ok(told(&customer));
    }
    let current = store.current_customer(id).await?;
    let current = current.ok_or_else(|| Problem::not_found("customer", id))?.id;
    let location = format!("/api/v1/customers/{current}");
    Ok((
        StatusCode::TEMPORARY_REDIRECT,
        [(header::LOCATION, location)],
        Json(json!({ "id": id, "merged_into": current })),
    )
        .into_response())
}

fn told(customer: &Customer) -> Response {
    let tag = format!("\"{}\"", revision::of(customer));
    ([(header::ETAG, tag)], Json(customer)).into_response()
}

/// By what WhatsApp knows a customer, and has known them, with its dates.
pub async fn identities(
    State(store): State<Store>,
    Path(id): Path<CustomerId>,
) -> Result<Json<serde_json::Value>, Problem> {
    let customer = store.current_customer(id).await?;
    let customer = customer.ok_or_else(|| Problem::not_found("customer", id))?;
    let identities = store.dated_identities(customer.id).await?;
    Ok(Json(
        json!({ "data": identities, "next_cursor": null, "has_more": false }),
    ))
}

/// What is to be changed about a customer. What is absent stays; null takes back what a person set, and what WhatsApp tells holds
/// again.
#[allow(clippy::option_option, reason = "absent, null and a value are three things")]
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    #[serde(default, deserialize_with = "present")]
    name: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    phone: Option<Option<PhoneNumber>>,
    status: Option<String>,
    attributes: Option<Map<String, Value>>,
}

/// Longest status, in bytes.
const MAX_STATUS: usize = 64;

/// A field that is there, be it null.
#[allow(clippy::option_option, reason = "absent, null and a value are three things")]
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// With `If-Match`, only while nobody has changed them meanwhile.
pub async fn edit(
    State(desk): State<Desk>,
    Path(id): Path<CustomerId>,
    headers: HeaderMap,
    body: Body<Edit>,
) -> Result<Response, Problem> {
    let Edit {
        name,
        phone,
        status,
        attributes,
    } = body.0;
    let is_status = |status: &String| !status.trim().is_empty() && status.len() <= MAX_STATUS && !status.contains('\0');
    if status.as_ref().is_some_and(|status| !is_status(status)) {
        let detail = format!("a status is a word of at most {MAX_STATUS} bytes");
        return Err(Problem::wrong_field("/status", detail));
    }
    let expected = headers.get(header::IF_MATCH).and_then(|tag| tag.to_str().ok());
    let edit = CustomerEdit {
        change: CustomerChange {
            name,
            phone,
            status,
            photo_url: None,
            attributes,
        },
        expected: expected
            .filter(|tag| *tag != "*")
            .map(|tag| tag.trim_matches('"').to_owned()),
    };
    Ok(told(&desk.edit_customer(id, edit).await?))
}
