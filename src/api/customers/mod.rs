//! `/customers`: the people who write to us, and the ids by which WhatsApp knows them.

pub mod avatar;
pub mod consent;
pub mod labels;
pub mod merges;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::access::auth::Caller;
use super::accounts;
use super::conversations::label_id;
use super::http::answer::{Created, Found, Keyed, Replay, Tagged};
use super::http::extract::{Body, Path};
use super::http::listing::{Listed, Listing};
use super::http::problem::Problem;
use super::http::tags::IfMatch;
use super::http::takes::IdempotencyKey;
use super::messages::{idempotency, phone_number};
use crate::bridge::{Answered, CustomerEdit, Desk, NewCustomer, SeenCustomer};
use crate::contract::{CustomerView, EditCustomer, IdentityView, MovedView, NewCustomerRequest, Page};
use crate::domain::customer::Customer;
use crate::domain::rights::Sight;
use crate::domain::{CustomerId, revision};
use crate::store::{CustomerChange, CustomerFilter, Order, Store};

/// Filters of the list of customers.
#[derive(Deserialize, JsonSchema)]
pub struct Filter {
    /// Part of a name or phone number.
    search: Option<String>,
    /// Only customers with whom this account has a conversation; by name or id.
    account: Option<String>,
    /// Name of a label.
    label: Option<String>,
}

/// `GET /customers`, scope `read`: lists customers by id.
pub async fn list(
    State(store): State<Store>,
    sight: Sight,
    list: Listing<Filter>,
) -> Result<Listed<CustomerView>, Problem> {
    let request = list.page(Order::Ascending);
    let filter = CustomerFilter {
        search: list.filter.search.clone(),
        account: accounts::wanted(&store, &sight, list.filter.account.as_deref()).await?,
        label: match &list.filter.label {
            Some(name) => Some(label_id(&store, name).await?),
            None => None,
        },
        names_only: sight.hides_numbers(),
    };
    let page = store.sights().customers(&sight, request, &filter).await?;
    Ok(list.answer(request, page))
}

/// `GET /customers/{id}`, scope `read`: returns a customer with their revision as `ETag`. For a merged customer it
/// answers 307 with the location of the surviving one.
pub async fn view(
    State(store): State<Store>,
    sight: Sight,
    Path(id): Path<CustomerId>,
) -> Result<Found<Tagged<CustomerView>, CustomerId>, Problem> {
    let customer = store.customers().get(id).await?;
    let customer = customer.ok_or_else(|| Problem::not_found("customer", id))?;
    if customer.merged_into.is_none() {
        return Ok(Found::Here(tagged(&store, customer, &sight).await?));
    }
    let current = store.customers().current(id).await?;
    let current = current.ok_or_else(|| Problem::not_found("customer", id))?.id;
    Ok(Found::Moved {
        location: format!("/api/v1/customers/{current}"),
        body: MovedView {
            id,
            merged_into: current,
        },
    })
}

/// Returns a customer as every answer shows them to a caller, with their revision.
async fn tagged(store: &Store, mut customer: Customer, sight: &Sight) -> Result<Tagged<CustomerView>, Problem> {
    let one = std::slice::from_mut(&mut customer);
    store.sights().count_unread(sight, one).await?;
    Ok(Tagged {
        tag: format!("\"{}\"", revision::of(&customer, sight)),
        body: customer.into(),
    })
}

/// `GET /customers/{id}/identities`, scope `read`: lists the ids and numbers by which WhatsApp knows a customer or has
/// known them, each with its dates.
pub async fn identities(
    State(store): State<Store>,
    Path(id): Path<CustomerId>,
) -> Result<Json<Page<IdentityView>>, Problem> {
    let customer = store.customers().current(id).await?;
    let customer = customer.ok_or_else(|| Problem::not_found("customer", id))?;
    let identities = store.identities().dated(customer.id).await?;
    Ok(Json(Page::whole(identities.into_iter().map(Into::into).collect())))
}

/// Maximum length of a status, in bytes.
const MAX_STATUS: usize = 64;
/// Maximum length of all attributes, in bytes of JSON. Each change is kept in the journal with all of them.
const MAX_ATTRIBUTES: usize = 16 * 1024;

/// `POST /customers`, scope `send`: creates a customer, who can be written to then. Answers 409 if somebody has the number. A
/// key that is limited to accounts writes to the number instead (`POST /messages`): who has no conversation is of no account.
pub async fn create(
    State(desk): State<Desk>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    Body(request): Body<NewCustomerRequest>,
) -> Result<Keyed<Created<CustomerView>>, Problem> {
    let idempotency = idempotency(&caller, key, "/customers ", &request)?;
    check(request.status.as_deref(), request.attributes.as_ref())?;
    let new = NewCustomer {
        phone: phone_number(&desk, "/phone", &request.phone)?,
        change: CustomerChange {
            name: request.name.map(Some),
            status: request.status,
            attributes: request.attributes,
            ..CustomerChange::default()
        },
        idempotency,
    };
    let place = |id: CustomerId| format!("/api/v1/customers/{id}");
    Ok(match desk.create_customer(new).await? {
        Answered::New(customer) => Keyed::New(Created {
            location: place(customer.id),
            body: customer.into(),
        }),
        Answered::Replayed(stored) => {
            let location = stored
                .response
                .parse::<CustomerView>()
                .ok()
                .map(|known| place(known.id));
            Keyed::Replayed(Replay::of(stored, location)?)
        }
    })
}

/// Refuses a status or attributes that are too long.
fn check(status: Option<&str>, attributes: Option<&Map<String, Value>>) -> Result<(), Problem> {
    let is_status =
        |status: &str| !status.trim().is_empty() && status.len() <= MAX_STATUS && !status.contains(char::is_control);
    if status.is_some_and(|status| !is_status(status)) {
        let detail = format!("a status is a word of at most {MAX_STATUS} bytes");
        return Err(Problem::wrong_field("/status", detail));
    }
    let Some(attributes) = attributes else { return Ok(()) };
    let bytes = serde_json::to_vec(attributes).map_or(usize::MAX, |json| json.len());
    if bytes > MAX_ATTRIBUTES {
        let detail = format!("the attributes are {bytes} bytes of JSON and may be {MAX_ATTRIBUTES}; keep less here");
        return Err(Problem::wrong_field("/attributes", detail));
    }
    Ok(())
}

/// `PATCH /customers/{id}`, scope `send`: changes a customer. With `If-Match` it answers 412 if somebody has changed
/// them since.
pub async fn edit(
    State(desk): State<Desk>,
    State(store): State<Store>,
    sight: Sight,
    Path(id): Path<CustomerId>,
    if_match: IfMatch,
    body: Body<EditCustomer>,
) -> Result<Tagged<CustomerView>, Problem> {
    let EditCustomer {
        name,
        phone,
        status,
        attributes,
    } = body.0;
    check(status.as_deref(), attributes.as_ref())?;
    let phone = match phone {
        None => None,
        Some(None) => Some(None),
        Some(Some(text)) => Some(Some(phone_number(&desk, "/phone", &text)?)),
    };
    let expected = seen(&store, &sight, id, if_match).await?;
    let edit = CustomerEdit {
        change: CustomerChange {
            name,
            phone,
            status,
            photo_url: None,
            attributes,
        },
        expected,
        sight: sight.clone(),
    };
    tagged(&store, desk.edit_customer(id, edit).await?, &sight).await
}

/// Returns what the caller has seen of a customer, if `If-Match` names it.
async fn seen(
    store: &Store,
    sight: &Sight,
    id: CustomerId,
    if_match: IfMatch,
) -> Result<Option<SeenCustomer>, Problem> {
    let revision = async {
        let customer = store.customers().current(id).await?;
        let customer = customer.ok_or_else(|| Problem::not_found("customer", id))?;
        Ok::<_, Problem>(revision::of(&customer, sight))
    };
    let revision = if_match.expected(revision).await?;
    Ok(revision.map(|revision| SeenCustomer {
        revision,
        sight: sight.clone(),
    }))
}
