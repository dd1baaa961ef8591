//! Our phones, over HTTP.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Refused;
use crate::standin::doings::Draft;
use crate::standin::link::Phone;
use crate::standin::people::{CustomerId, PhoneId};
use crate::standin::service::Service;

type Answer = Result<Json<Value>, Refused>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPhone {
    name: String,
    number: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InChat {
    customer: CustomerId,
    #[serde(default)]
    id: String,
    #[serde(default)]
    text: String,
}

/// To whom, and what.
#[derive(Deserialize)]
struct Send {
    customer: CustomerId,
    #[serde(flatten)]
    draft: Draft,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Reason {
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Online {
    pub online: bool,
}

pub(super) fn router() -> Router<Arc<Service>> {
    Router::new()
        .route("/phones", post(add))
        .route("/phones/{phone}/scan", post(scan))
        .route("/phones/{phone}/type", post(type_code))
        .route("/phones/{phone}/send", post(send))
        .route("/phones/{phone}/edit", post(edit))
        .route("/phones/{phone}/delete", post(delete))
        .route("/phones/{phone}/read", post(read))
        .route("/phones/{phone}/chats/{customer}", get(chat))
        .route("/phones/{phone}/logout", post(logout))
        .route("/phones/{phone}/online", post(online))
}

fn handle(service: &Arc<Service>, id: PhoneId) -> Result<Phone, Refused> {
    service.look(|world| world.known_phone(id))?;
    Ok(Phone::new(Arc::clone(service), id))
}

async fn add(State(service): State<Arc<Service>>, Json(new): Json<NewPhone>) -> Answer {
    Ok(Json(
        json!({ "phone": service.with(|world| world.add_phone(&new.name, &new.number)) }),
    ))
}

async fn scan(State(service): State<Arc<Service>>, Path(id): Path<PhoneId>, Json(code): Json<Code>) -> Answer {
    let device = handle(&service, id)?.scan(&code.code).await?;
    Ok(Json(json!({ "device": device })))
}

async fn type_code(State(service): State<Arc<Service>>, Path(id): Path<PhoneId>, Json(code): Json<Code>) -> Answer {
    let device = handle(&service, id)?.type_pairing_code(&code.code).await?;
    Ok(Json(json!({ "device": device })))
}

async fn send(State(service): State<Arc<Service>>, Path(id): Path<PhoneId>, Json(body): Json<Send>) -> Answer {
    service.look(|world| world.known_customer(body.customer))?;
    Ok(Json(
        json!({ "id": handle(&service, id)?.send_draft(body.customer, &body.draft) }),
    ))
}

async fn edit(State(service): State<Arc<Service>>, Path(id): Path<PhoneId>, Json(at): Json<InChat>) -> Answer {
    service.look(|world| world.known_customer(at.customer))?;
    handle(&service, id)?.edit(at.customer, &at.id, &at.text);
    Ok(Json(json!({})))
}

async fn delete(State(service): State<Arc<Service>>, Path(id): Path<PhoneId>, Json(at): Json<InChat>) -> Answer {
    service.look(|world| world.known_customer(at.customer))?;
    handle(&service, id)?.delete(at.customer, &at.id);
    Ok(Json(json!({})))
}

async fn read(State(service): State<Arc<Service>>, Path(id): Path<PhoneId>, Json(at): Json<InChat>) -> Answer {
    service.look(|world| world.known_customer(at.customer))?;
    handle(&service, id)?.read(at.customer);
    Ok(Json(json!({})))
}

async fn chat(State(service): State<Arc<Service>>, Path((id, customer)): Path<(PhoneId, CustomerId)>) -> Answer {
    Ok(Json(json!(handle(&service, id)?.chat(customer))))
}

async fn logout(State(service): State<Arc<Service>>, Path(id): Path<PhoneId>, body: Option<Json<Reason>>) -> Answer {
    let reason = body
        .and_then(|Json(body)| body.reason)
        .unwrap_or_else(|| "user_initiated".to_owned());
    handle(&service, id)?.log_out_devices_for(&reason);
    Ok(Json(json!({})))
}

async fn online(State(service): State<Arc<Service>>, Path(id): Path<PhoneId>, Json(body): Json<Online>) -> Answer {
    handle(&service, id)?.set_online(body.online);
    Ok(Json(json!({})))
}
