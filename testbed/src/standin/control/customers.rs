//! Control of customers over HTTP.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Refused;
use super::phones::Online;
use crate::standin::messages::doings::Draft;
use crate::standin::net::service::Service;
use crate::standin::options::{Address, NewCustomer};
use crate::standin::people::customer::Customer;
use crate::standin::people::{CustomerId, PhoneId};
use crate::standin::script::Script;
use crate::standin::world::World;

type Answer = Result<Json<Value>, Refused>;

/// Maximum number of texts that one request may write.
const MAX_TEXTS: usize = 10_000;

/// Recipient and number of repetitions of a text, besides its draft.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Write {
    phone: Option<PhoneId>,
    /// Number of repetitions; `{}` in the text becomes the number of each.
    count: Option<usize>,
    #[serde(flatten)]
    draft: Draft,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct On {
    id: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    phone: Option<PhoneId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    id: String,
    options: Vec<String>,
    phone: Option<PhoneId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    id: String,
    fields: Map<String, Value>,
    phone: Option<PhoneId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Disappearing {
    seconds: u32,
    phone: Option<PhoneId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPicture {
    mimetype: String,
    base64: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    name: String,
    #[serde(default)]
    saved_name: Option<String>,
}

/// Changes of a customer's identity, applied in this order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    username: Option<String>,
    number: Option<String>,
    #[serde(default)]
    reveal_number: bool,
    apart: Option<bool>,
    address: Option<Address>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChatState {
    state: String,
}

/// Returns the routes for customers.
pub(super) fn router() -> Router<Arc<Service>> {
    Router::new()
        .route("/customers", get(records).post(add))
        .route("/customers/{customer}", get(record))
        .route("/customers/{customer}/inbox", get(inbox))
        .route("/customers/{customer}/write", post(write))
        .route("/customers/{customer}/decrypt", post(decrypt))
        .route("/customers/{customer}/edit", post(edit))
        .route("/customers/{customer}/delete", post(delete))
        .route("/customers/{customer}/react", post(react))
        .route("/customers/{customer}/vote", post(vote))
        .route("/customers/{customer}/update", post(update))
        .route("/customers/{customer}/disappearing", post(disappearing))
        .route("/customers/{customer}/listen", post(listen))
        .route("/customers/{customer}/read", post(read))
        .route("/customers/{customer}/migrate", post(migrate))
        .route("/customers/{customer}/rename", post(rename))
        .route("/customers/{customer}/identity", post(identity))
        .route("/customers/{customer}/picture", post(picture))
        .route("/customers/{customer}/typing", post(typing))
        .route("/customers/{customer}/online", post(online))
        .route("/customers/{customer}/script", post(script))
}

/// Returns a handle on a customer who writes to this account, or to the first one; refuses unknown ids.
pub(super) fn handle(service: &Arc<Service>, id: CustomerId, phone: Option<PhoneId>) -> Result<Customer, Refused> {
    let phone = phone.unwrap_or(PhoneId(0));
    service.look(|world| world.known_customer(id).and(world.known_phone(phone)))?;
    Ok(Customer::new(Arc::clone(service), id).to(phone))
}

async fn add(State(service): State<Arc<Service>>, Json(new): Json<NewCustomer>) -> Answer {
    let record = service.with(|world| {
        let id = world.add_customer(new);
        world.customer(id)
    });
    Ok(Json(json!(record)))
}

async fn records(State(service): State<Arc<Service>>) -> Answer {
    Ok(Json(json!(service.look(World::known_customers))))
}

async fn record(State(service): State<Arc<Service>>, Path(id): Path<CustomerId>) -> Answer {
    let record = service
        .look(|world| world.customer(id))
        .ok_or_else(|| Refused::unknown("customer"))?;
    Ok(Json(json!(record)))
}

async fn inbox(State(service): State<Arc<Service>>, Path(id): Path<CustomerId>) -> Answer {
    Ok(Json(json!(handle(&service, id, None)?.inbox())))
}

async fn write(State(service): State<Arc<Service>>, Path(id): Path<CustomerId>, Json(body): Json<Write>) -> Answer {
    let customer = handle(&service, id, body.phone)?;
    let ids = match body.count {
        Some(count) => {
            let texts = (1..=count.min(MAX_TEXTS)).map(|n| body.draft.text.replace("{}", &n.to_string()));
            customer.write_many(texts)
        }
        None => vec![customer.send(body.draft)],
    };
    Ok(Json(json!({ "ids": ids })))
}

async fn decrypt(State(service): State<Arc<Service>>, Path(id): Path<CustomerId>, Json(on): Json<On>) -> Answer {
    handle(&service, id, on.phone)?.decrypt(&on.id);
    Ok(Json(json!({})))
}

async fn edit(State(service): State<Arc<Service>>, Path(id): Path<CustomerId>, Json(on): Json<On>) -> Answer {
    handle(&service, id, on.phone)?.edit(&on.id, &on.text);
    Ok(Json(json!({})))
}

async fn delete(State(service): State<Arc<Service>>, Path(id): Path<CustomerId>, Json(on): Json<On>) -> Answer {
    handle(&service, id, on.phone)?.delete(&on.id);
    Ok(Json(json!({})))
}

async fn react(State(service): State<Arc<Service>>, Path(id): Path<CustomerId>, Json(on): Json<On>) -> Answer {
    handle(&service, id, on.phone)?.react(&on.id, &on.text);
    Ok(Json(json!({})))
}

async fn vote(State(service): State<Arc<Service>>, Path(id): Path<CustomerId>, Json(body): Json<Choice>) -> Answer {
    handle(&service, id, body.phone)?.vote(&body.id, &body.options);
    Ok(Json(json!({})))
}

async fn update(State(service): State<Arc<Service>>, Path(id): Path<CustomerId>, Json(body): Json<Update>) -> Answer {
    handle(&service, id, body.phone)?.update(&body.id, &body.fields);
    Ok(Json(json!({})))
}

async fn disappearing(
    State(service): State<Arc<Service>>,
    Path(id): Path<CustomerId>,
    Json(body): Json<Disappearing>,
) -> Answer {
    handle(&service, id, body.phone)?.set_disappearing(body.seconds);
    Ok(Json(json!({})))
}

async fn listen(State(service): State<Arc<Service>>, Path(id): Path<CustomerId>, Json(on): Json<On>) -> Answer {
    handle(&service, id, on.phone)?.listen(&on.id);
    Ok(Json(json!({})))
}

async fn read(State(service): State<Arc<Service>>, Path(id): Path<CustomerId>) -> Answer {
    handle(&service, id, None)?.read_all();
    Ok(Json(json!({})))
}

async fn migrate(State(service): State<Arc<Service>>, Path(id): Path<CustomerId>) -> Answer {
    handle(&service, id, None)?.migrate_to_lid();
    Ok(Json(json!(service.look(|world| world.customer(id)))))
}

async fn rename(State(service): State<Arc<Service>>, Path(id): Path<CustomerId>, Json(names): Json<Names>) -> Answer {
    handle(&service, id, None)?.rename(&names.name, names.saved_name.as_deref());
    Ok(Json(json!({})))
}

async fn identity(
    State(service): State<Arc<Service>>,
    Path(id): Path<CustomerId>,
    Json(change): Json<Identity>,
) -> Answer {
    let customer = handle(&service, id, None)?;
    if let Some(username) = change.username {
        customer.set_username(&username);
    }
    if let Some(number) = change.number {
        customer.change_number(&number);
    }
    if change.reveal_number {
        customer.reveal_number();
    }
    match change.apart {
        Some(true) => customer.keep_apart(),
        Some(false) => customer.become_one(),
        None => {}
    }
    if let Some(address) = change.address {
        customer.go_by(address);
    }
    Ok(Json(json!(service.look(|world| world.customer(id)))))
}

async fn picture(
    State(service): State<Arc<Service>>,
    Path(id): Path<CustomerId>,
    Json(new): Json<NewPicture>,
) -> Answer {
    let bytes = STANDARD.decode(&new.base64).map_err(|_| Refused::unusable("base64"))?;
    handle(&service, id, None)?.set_picture(&new.mimetype, bytes);
    Ok(Json(json!({})))
}

async fn typing(
    State(service): State<Arc<Service>>,
    Path(id): Path<CustomerId>,
    Json(body): Json<ChatState>,
) -> Answer {
    handle(&service, id, None)?.typing(&body.state);
    Ok(Json(json!({})))
}

async fn online(State(service): State<Arc<Service>>, Path(id): Path<CustomerId>, Json(body): Json<Online>) -> Answer {
    handle(&service, id, None)?.set_online(body.online);
    Ok(Json(json!({})))
}

async fn script(State(service): State<Arc<Service>>, Path(id): Path<CustomerId>, Json(body): Json<Script>) -> Answer {
    handle(&service, id, None)?.play(body);
    Ok(Json(json!({})))
}
