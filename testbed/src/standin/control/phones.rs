//! Control of our phones over HTTP.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Refused;
use crate::standin::faults::Restriction;
use crate::standin::link::Phone;
use crate::standin::messages::doings::Draft;
use crate::standin::net::service::Service;
use crate::standin::people::place::ChatWith;
use crate::standin::people::{CustomerId, GroupId, PhoneId};
use crate::standin::world::World;

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
    customer: Option<CustomerId>,
    group: Option<GroupId>,
    #[serde(default)]
    id: String,
    #[serde(default)]
    text: String,
}

/// A draft and its recipient.
#[derive(Deserialize)]
struct Send {
    customer: Option<CustomerId>,
    group: Option<GroupId>,
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
struct Passkey {
    ask: Option<bool>,
    #[serde(default)]
    shown: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Restrict {
    restriction: Restriction,
}

/// Whether a phone is switched on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Online {
    pub online: bool,
}

/// Returns the routes for phones.
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
        .route("/phones/{phone}/passkey", post(passkey))
        .route("/phones/{phone}/restrict", post(restrict))
}

impl InChat {
    fn with(&self, world: &World) -> Result<ChatWith, Refused> {
        known_chat(world, self.customer, self.group)
    }
}

fn known_chat(world: &World, customer: Option<CustomerId>, group: Option<GroupId>) -> Result<ChatWith, Refused> {
    match (customer, group) {
        (Some(customer), _) => Ok(world.known_customer(customer)?.into()),
        (None, Some(group)) => Ok(world.known_group(group)?.into()),
        (None, None) => Err(Refused::unknown("chat")),
    }
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
    let chat = service.look(|world| known_chat(world, body.customer, body.group))?;
    Ok(Json(
        json!({ "id": handle(&service, id)?.send_draft(chat, &body.draft) }),
    ))
}

async fn edit(State(service): State<Arc<Service>>, Path(id): Path<PhoneId>, Json(at): Json<InChat>) -> Answer {
    let chat = service.look(|world| at.with(world))?;
    handle(&service, id)?.edit(chat, &at.id, &at.text);
    Ok(Json(json!({})))
}

async fn delete(State(service): State<Arc<Service>>, Path(id): Path<PhoneId>, Json(at): Json<InChat>) -> Answer {
    let chat = service.look(|world| at.with(world))?;
    handle(&service, id)?.delete(chat, &at.id);
    Ok(Json(json!({})))
}

async fn read(State(service): State<Arc<Service>>, Path(id): Path<PhoneId>, Json(at): Json<InChat>) -> Answer {
    let chat = service.look(|world| at.with(world))?;
    handle(&service, id)?.read(chat);
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

async fn passkey(State(service): State<Arc<Service>>, Path(id): Path<PhoneId>, Json(body): Json<Passkey>) -> Answer {
    let phone = handle(&service, id)?;
    if let Some(ask) = body.ask {
        phone.ask_for_passkey(ask);
    }
    let device = if body.shown {
        Some(phone.passkey_shown().await?)
    } else {
        None
    };
    Ok(Json(json!({ "device": device })))
}

async fn restrict(State(service): State<Arc<Service>>, Path(id): Path<PhoneId>, Json(body): Json<Restrict>) -> Answer {
    handle(&service, id)?.restrict(body.restriction);
    Ok(Json(json!({})))
}
