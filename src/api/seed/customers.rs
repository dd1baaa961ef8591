//! `/customers`: the list of customers, and their pictures.

use axum::Json;
use axum::extract::State;
use futures_util::TryStreamExt as _;

use super::{Part, array, data_url};
use crate::api::http::extract::{Body, Query};
use crate::api::http::problem::Problem;
use crate::api::openapi::answers::{Array, Shaped};
use crate::api::state::ApiState;
use crate::bridge::MAX_AVATAR_BYTES;
use crate::contract::{SeedCustomer, SeedCustomerRow, SeedPhoto};
use crate::contract::{mentions_without, name_without, text_without};
use crate::domain::customer::PhoneNumber;
use crate::domain::gateway::GatewayPerson;
use crate::domain::numbers::{HIDDEN, KnownNumbers, is_only_number};
use crate::domain::rights::Sight;
use crate::fetch::FetchFault;
use crate::store::{CustomerSummary, Store};

/// `GET /customers/summary`, scope `read`: lists all customers with their last message and unread count, the one who was
/// active last first.
pub async fn summary(
    State(store): State<Store>,
    sight: Sight,
    Query(part): Query<Part>,
) -> Result<Shaped<Array<SeedCustomer>>, Problem> {
    let rows = store
        .customers()
        .summaries(sight.accounts().map(<[_]>::to_vec), part.page());
    let hides = sight.hides_numbers();
    let rows = rows.map_ok(move |row| without_number(view(row), hides));
    Ok(array::answer(rows, part).await?.into())
}

/// Returns the superseded system's view of a customer.
fn view(customer: CustomerSummary) -> SeedCustomer {
    SeedCustomer {
        row: SeedCustomerRow {
            id: customer.id,
            name: customer.name,
            phone: customer.phone,
            status: customer.status,
            photo_url: customer.photo_url,
            unread_count: customer.unread_count,
            created_at: customer.created_at,
            updated_at: customer.updated_at,
        },
        last_message: customer.last_message,
    }
}

/// Returns the view without the number if `hides`.
fn without_number(mut customer: SeedCustomer, hides: bool) -> SeedCustomer {
    if hides {
        let row = &mut customer.row;
        // The layer that hides numbers cannot know this one: the answer no longer has it.
        let phone = row.phone.take();
        let name = Some(row.name.as_str()).filter(|name| is_only_number(name));
        let known = KnownNumbers::of(phone.iter().map(PhoneNumber::as_str).chain(name));
        row.status = known.hidden(&row.status, HIDDEN);
        row.photo_url = row.photo_url.as_deref().map(|url| known.hidden(url, HIDDEN));
        row.name = name_without(&row.name, Some(row.id.0));
        customer.last_message = customer.last_message.map(|text| text_without(&mentions_without(&text)));
    }
    customer
}

/// `POST /customers/photo`, scope `send`: sets a customer's picture, from a `data:` URL or from where it lies, and answers
/// with the customer. Answers 507 if there is no room for it.
pub async fn photo(
    State(state): State<ApiState>,
    sight: Sight,
    Body(asked): Body<SeedPhoto>,
) -> Result<Json<SeedCustomer>, Problem> {
    let person = GatewayPerson::read(&asked.phone);
    let person = person.map_err(|error| Problem::wrong_field("/phone", error.to_string()))?;
    let wrong = |error: String| Problem::wrong_field("/photo_url", error);
    let bytes = match asked.photo_url.trim().strip_prefix("data:") {
        Some(data) => data_url::bytes(data, MAX_AVATAR_BYTES).map_err(|error| wrong(error.to_string()))?,
        // Before the transaction, and bounded in time and size.
        None => state
            .fetcher
            .picture(asked.photo_url.trim(), MAX_AVATAR_BYTES)
            .await
            .map_err(|fault: FetchFault| wrong(fault.to_string()))?,
    };
    let within = sight.accounts();
    let customer = state.desk.set_photo(&person.identity, within, &bytes).await?;
    let summary = state.store.customers().summary(customer.id, within).await?;
    let summary = summary.ok_or_else(|| Problem::not_found("customer", customer.id))?;
    Ok(Json(view(summary)))
}
