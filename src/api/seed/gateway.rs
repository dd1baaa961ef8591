//! `/messages/inbox` and `/messages/ack`: what an outside gateway tells.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;

use crate::api::access::auth::Caller;
use crate::api::http::extract::Body;
use crate::api::http::problem::Problem;
use crate::api::openapi::answers::{DoneOrWaiting, Shaped};
use crate::api::state::ApiState;
use crate::bridge::{GatewayMessage, Refusal};
use crate::contract::{MessageView, SeedAck, SeedInbox, SeedMessage, SeedTime};
use crate::domain::gateway::GatewayPerson;
use crate::domain::message::FIRST_CREDIBLE;
use crate::domain::{AccountId, Timestamp, WaMessageId};
use crate::store::Store;

/// Longest id of a message, in bytes.
const MAX_ID_BYTES: usize = 255;
/// Greatest ack: played.
const MAX_ACK: i32 = 4;
/// How far ahead of our clock a gateway's may be.
const MAX_AHEAD: Duration = Duration::from_mins(5);

/// `POST /messages/inbox`, scope `send`: takes in a message that a gateway received, once by its id, and answers with the
/// message.
pub async fn inbox(
    State(state): State<ApiState>,
    caller: Caller,
    Body(told): Body<SeedInbox>,
) -> Result<Json<SeedMessage>, Problem> {
    let from = GatewayPerson::read(&told.phone);
    let from = from.map_err(|error| Problem::wrong_field("/phone", error.to_string()))?;
    check_id(&told.whatsapp_id)?;
    let now = state.clock.now();
    let message = GatewayMessage {
        from,
        name: told.name,
        content: told.content,
        whatsapp_id: told.whatsapp_id,
        written: told.timestamp.map(|time| written(time, now)).transpose()?,
    };
    let account = account(&state.store, &caller).await?;
    let stored = state.desk.take_in(account, message).await?;
    Ok(Json(MessageView::from(stored).into()))
}

/// `POST /messages/ack`, scope `send`: takes in the delivery state of a message of the gateway. Answers with the message;
/// if it is not there yet, 202 with the request, which waits for it.
pub async fn ack(
    State(state): State<ApiState>,
    caller: Caller,
    Body(told): Body<SeedAck>,
) -> Result<Shaped<DoneOrWaiting<SeedMessage, SeedAck>>, Problem> {
    check_id(&told.whatsapp_id)?;
    if told.ack > MAX_ACK {
        let detail = format!(
            "an ack is 0 on its way, 1 sent, 2 delivered, 3 read, 4 played, or negative where it was refused; this is {}",
            told.ack
        );
        return Err(Problem::wrong_field("/ack", detail));
    }
    let account = account(&state.store, &caller).await?;
    let message = state.desk.take_ack(account, told.whatsapp_id.clone(), told.ack).await?;
    let answer = match message {
        Some(message) => Json(SeedMessage::from(MessageView::from(message))).into_response(),
        None => (StatusCode::ACCEPTED, Json(told)).into_response(),
    };
    Ok(answer.into())
}

fn check_id(id: &WaMessageId) -> Result<(), Problem> {
    let id = id.as_str();
    if (1..=MAX_ID_BYTES).contains(&id.len()) && !id.contains(char::is_control) {
        return Ok(());
    }
    let detail = format!("the message's id has 1 to {MAX_ID_BYTES} bytes and no control characters");
    Err(Problem::wrong_field("/whatsapp_id", detail))
}

fn written(SeedTime(time): SeedTime, now: Timestamp) -> Result<Timestamp, Problem> {
    if time < FIRST_CREDIBLE {
        let detail =
            format!("the message is older than WhatsApp ({time}); give the time of writing, or leave it out for now");
        return Err(Problem::wrong_field("/timestamp", detail));
    }
    if time <= now.plus(MAX_AHEAD) {
        return Ok(time);
    }
    let detail = format!("the message is from the future ({time}, and it is {now}); set the gateway's clock");
    Err(Problem::wrong_field("/timestamp", detail))
}

/// Returns the gateway's account that the caller's key names; `None` if the key is for all accounts.
async fn account(store: &Store, caller: &Caller) -> Result<Option<AccountId>, Problem> {
    let Some(bound) = caller.sight.accounts() else {
        return Ok(None);
    };
    let accounts = store.accounts().present().await?;
    let of_key = accounts.iter().filter(|account| bound.contains(&account.id));
    let (gateways, others): (Vec<_>, Vec<_>) = of_key.partition(|account| account.is_gateway());
    match (gateways.as_slice(), others.first()) {
        ([one], _) => Ok(Some(one.id)),
        // The desk says what is wrong with it.
        ([], Some(other)) => Ok(Some(other.id)),
        ([], None) => Err(Problem::not_found("account", "of this key any more; use another key")),
        (several, _) => Err(Refusal::AmbiguousAccount {
            names: several.iter().map(|account| account.name.clone()).collect(),
        }
        .into()),
    }
}
