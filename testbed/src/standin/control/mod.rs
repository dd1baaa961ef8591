//! Control over HTTP, for tests in any language. Bodies and answers are JSON; ids are the numbers that the answers give.
//! What is refused answers 4xx with `{"error": "…"}`.
//!
//! | request | body | what it does |
//! |---|---|---|
//! | `GET /control/state` | | phones, customers, devices, who is connected, faults |
//! | `GET /control/accepted` | | every send that the service accepted, before the phone removes doubles |
//! | `GET /control/acks` | | every state that messages of ours reached |
//! | `GET /control/reads`, `GET /control/typing` | | read receipts, and "typing…", that customers saw |
//! | `POST /control/phones` | `{name, number}` | another phone of ours |
//! | `POST /control/phones/{p}/scan` | `{code}` | scans a QR code; answers when the page is linked |
//! | `POST /control/phones/{p}/type` | `{code}` | types an eight-character code |
//! | `POST /control/phones/{p}/send` | [`Draft`](super::Draft) with `{customer or group}` | writes on the phone |
//! | `POST /control/phones/{p}/edit`, `…/delete`, `…/read` | `{customer or group, id?, text?}` | does so on the phone |
//! | `GET /control/phones/{p}/chats/{c}` | | the chat as the phone shows it |
//! | `POST /control/phones/{p}/logout` | `{reason?}` | unlinks every device |
//! | `POST /control/phones/{p}/online` | `{online}` | switches the phone on or off |
//! | `POST /control/phones/{p}/passkey` | `{ask?, shown?}` | whether it asks a page that is scanned for a passkey; the page shows it |
//! | `POST /control/phones/{p}/restrict` | `{restriction}` | `none`, `new_chats`, `banned` |
//! | `POST /control/customers` | [`NewCustomer`](super::NewCustomer) | a customer |
//! | `GET /control/customers` | | what is known of each |
//! | `GET /control/customers/{c}` | | what is known of one |
//! | `GET /control/customers/{c}/inbox` | | what their phone shows |
//! | `POST /control/customers/{c}/write` | [`Draft`](super::Draft) with `{phone?, count?}` | a message; with `count` so many texts, `{}` in them is the number |
//! | `POST /control/customers/{c}/attach?kind=…&mimetype=…` | the file | a medium; `filename`, `caption`, `seconds`, `width`, `height`, `view_once` as in [`Attachment`](super::Attachment) |
//! | `GET /control/customers/{c}/media/{stanza}` | | the file that their phone shows |
//! | `POST /control/media/{stanza}/expire` | `{until_asked?}` | a medium is gone; until a page asks the phone for it |
//! | `POST /control/media/{stanza}/restore` | | it is there again |
//! | `POST /control/media/{stanza}/corrupt` | `{how}` | `wrong_hash`, `truncated`, `empty`, `damaged` |
//! | `POST /control/customers/{c}/decrypt` | `{id, phone?}` | what could not be decrypted comes again |
//! | `POST /control/customers/{c}/edit`, `…/delete`, `…/react` | `{id, text?, phone?}` | on a message of theirs; a reaction, on one of ours |
//! | `POST /control/customers/{c}/vote` | `{id, options, phone?}` | votes in a poll, by the names of its options |
//! | `POST /control/customers/{c}/update` | `{id, fields, phone?}` | gives a message of theirs other fields, as a live location that moves |
//! | `POST /control/customers/{c}/listen` | `{id, phone?}` | plays a voice note of ours |
//! | `POST /control/customers/{c}/disappearing` | `{seconds, phone?}` | lets what is written from now on disappear; 0 for never |
//! | `POST /control/customers/{c}/read`, `…/migrate` | | reads everything; moves the chat to the LID |
//! | `POST /control/customers/{c}/rename` | `{name, saved_name?}` | their own name, and the one in our address book |
//! | `POST /control/customers/{c}/identity` | `{username?, number?, reveal_number?, apart?, address?}` | who they are to us |
//! | `POST /control/customers/{c}/picture` | `{mimetype, base64}` | their profile picture |
//! | `POST /control/customers/{c}/typing` | `{state}` | `composing`, `recording`, `paused` |
//! | `POST /control/customers/{c}/online` | `{online}` | switches their phone on or off |
//! | `POST /control/customers/{c}/script` | [`Script`](super::Script) | what they do by themselves |
//! | `POST /control/groups` | [`NewGroup`](super::NewGroup) | a group |
//! | `GET /control/groups/{g}` | | what it is, and who is in it |
//! | `POST /control/groups/{g}/write` | [`Draft`](super::Draft) with `{by}` | a message of a customer's |
//! | `POST /control/groups/{g}/edit`, `…/delete`, `…/react`, `…/decrypt` | `{by, id, text?, of?, of_phone?}` | on a message of theirs, or of another's |
//! | `POST /control/groups/{g}/typing` | `{by, text}` | `composing`, `recording`, `paused` |
//! | `POST /control/groups/{g}/members/{what}` | `{customer?, phone?}` | `add`, `join`, `remove`, `leave`, `promote`, `demote` |
//! | `POST /control/groups/{g}/change` | `{subject?, description?, announce?, picture?}` | what it is called, and so on |
//! | `GET /control/groups/{g}/inbox/{c}` | | what a member's phone shows of it |
//! | `POST /control/faults` | `{network?, answer_delay_ms?, media_delay_ms?, history_delay_ms?, lose_answers?, lose_how?, refuse_sends?, refuse_code?}` | causes faults |
//! | `POST /control/pages/reload`, `…/drop` | | reloads every page; drops every socket once |
//! | `POST /control/pages/freeze` | `{event}` | makes the message collection deaf for an event |
//! | `POST /control/pages/stall` | `{ms}` | the page's one thread stands still |
//! | `POST /control/history` | `{chats, messages_each, oldest_s}` | chats that have long been there, for the next login |
//! | `POST /control/options` | `{key_layout?, settle_ms?, qr_codes?, qr_first_ms?, qr_next_ms?, pairing_code_life_ms?, lid_migrated?, history_first?, hidden_modules?}` | from the next load of the page on |

mod customers;
mod groups;
mod media;
mod pages;
mod phones;

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::net::service::Service;
use super::pairing::LinkError;
use super::people::{CustomerId, GroupId, PhoneId};
use super::world::World;

/// Status and text of a refused request.
pub(crate) struct Refused(StatusCode, String);

impl Refused {
    fn unknown(what: &str) -> Self {
        Self(StatusCode::NOT_FOUND, format!("there is no such {what}"))
    }
}

impl Refused {
    fn unusable(what: &str) -> Self {
        Self(StatusCode::UNPROCESSABLE_ENTITY, format!("this {what} cannot be used"))
    }
}

impl From<LinkError> for Refused {
    fn from(why: LinkError) -> Self {
        Self(StatusCode::CONFLICT, why.to_string())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

/// Returns all routes of the control.
pub(crate) fn router() -> Router<Arc<Service>> {
    Router::new()
        .route("/state", get(state))
        .route(
            "/accepted",
            get(async |State(s): State<Arc<Service>>| Json(s.look(|w| json!(w.accepted())))),
        )
        .route("/acks", get(acks))
        .route(
            "/reads",
            get(async |State(s): State<Arc<Service>>| Json(s.look(|w| json!(w.read_receipts())))),
        )
        .route(
            "/typing",
            get(async |State(s): State<Arc<Service>>| Json(s.look(|w| json!(w.typing())))),
        )
        .merge(phones::router())
        .merge(customers::router())
        .merge(groups::router())
        .merge(media::router())
        .merge(pages::router())
}

async fn acks(State(service): State<Arc<Service>>) -> Json<Value> {
    Json(service.look(|world| json!(world.acks())))
}

async fn state(State(service): State<Arc<Service>>) -> Json<Value> {
    Json(service.look(|world| {
        let phones = world.phones.iter().enumerate().map(|(at, phone)| {
            json!({ "id": at, "number": phone.number, "lid": phone.lid, "name": phone.push_name, "online": phone.online,
                "devices": world.devices(PhoneId(at)) })
        });
        let customers = (0..world.customers.len()).map(|at| json!(world.customer(CustomerId(at))));
        let waiting = world.devices.iter().map(
            |(id, device)| json!({ "device": id, "stanzas": device.queue.len(), "history": device.history.len() }),
        );
        json!({
            "phones": phones.collect::<Vec<_>>(),
            "customers": customers.collect::<Vec<_>>(),
            "groups": (0..world.groups.len()).map(|at| world.group_info(GroupId(at))).collect::<Vec<_>>(),
            "connected": world.connected(),
            "waiting": waiting.collect::<Vec<_>>(),
            "faults": world.faults,
        })
    }))
}

impl World {
    fn known_phone(&self, id: PhoneId) -> Result<PhoneId, Refused> {
        self.phones
            .get(id.0)
            .map(|_| id)
            .ok_or_else(|| Refused::unknown("phone"))
    }

    fn known_customer(&self, id: CustomerId) -> Result<CustomerId, Refused> {
        self.customers
            .get(id.0)
            .map(|_| id)
            .ok_or_else(|| Refused::unknown("customer"))
    }

    fn known_group(&self, id: GroupId) -> Result<GroupId, Refused> {
        self.groups
            .get(id.0)
            .map(|_| id)
            .ok_or_else(|| Refused::unknown("group"))
    }
}
