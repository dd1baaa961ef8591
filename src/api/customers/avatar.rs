//! Pictures of customers.

use axum::extract::State;
use axum::http::HeaderMap;

use crate::api::http::extract::Path;
use crate::api::http::problem::{Code, Problem};
use crate::api::media::serve;
use crate::api::openapi::answers::{FileBytes, Shaped};
use crate::bridge::Desk;
use crate::domain::CustomerId;
use crate::domain::media::MediaState;
use crate::store::Store;

/// `GET /customers/{id}/avatar`, scope `read`: streams a customer's picture, the one that was set, else that of WhatsApp;
/// answers 304 if the client has it, and 404 if there is none here. A picture that was set as a link of another server is
/// in `photo_url` alone.
pub async fn show(
    State(desk): State<Desk>,
    State(store): State<Store>,
    Path(id): Path<CustomerId>,
    headers: HeaderMap,
) -> Result<Shaped<FileBytes>, Problem> {
    let customer = store.customers().current(id).await?;
    let customer = customer.ok_or_else(|| Problem::not_found("customer", id))?;
    let stored = match store.avatars().of(customer.id).await? {
        Some(medium) => store.media().get(medium).await?,
        None => None,
    };
    let stored = stored.filter(|stored| stored.media.state == MediaState::Stored);
    let none = || {
        let detail = format!("customer {id} has no picture here; show their initials");
        Problem::new(Code::NotFound, detail)
    };
    serve(&desk, stored.ok_or_else(none)?, &headers).await
}
