//! `/messages`: a customer's conversation, and sending.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::response::IntoResponse as _;
use futures_util::TryStreamExt as _;

use super::{Part, array};
use crate::api::access::auth::Caller;
use crate::api::http::answer::REPLAYED;
use crate::api::http::extract::{Body, Path, Query};
use crate::api::http::problem::Problem;
use crate::api::http::takes::IdempotencyKey;
use crate::api::messages::idempotency;
use crate::api::openapi::answers::{Array, Replayable, Shaped};
use crate::bridge::{Answered, Desk, SendCommand, SendTo};
use crate::contract::{MessageView, SeedMessage, SeedSend, id_without, mentions_without, text_without};
use crate::domain::{ConversationId, CustomerId, WaMessageId};
use crate::store::{MessageLine, Store};

/// `GET /messages/{customer_id}`, scope `read`: lists all messages with a customer, the oldest first.
pub async fn list(
    State(store): State<Store>,
    caller: Caller,
    Path(customer): Path<CustomerId>,
    Query(part): Query<Part>,
) -> Result<Shaped<Array<SeedMessage>>, Problem> {
    let (_, conversations) = seen(&store, &caller, customer).await?;
    let rows = store.messages().lines(conversations, part.page());
    let hides = caller.sight.hides_numbers();
    let rows = rows.map_ok(move |line| without_numbers(line, hides));
    Ok(array::answer(rows, part).await?.into())
}

/// Returns the view of a message without numbers of people that its writer did not write, if `hides`.
fn without_numbers(mut line: MessageLine, hides: bool) -> SeedMessage {
    if hides {
        line.content = mentions_without(&line.content);
        if line.is_notice {
            line.content = text_without(&line.content);
        }
        line.whatsapp_id = line.whatsapp_id.map(|id| WaMessageId(id_without(id.as_str())));
    }
    view(line)
}

/// Returns a customer, as they go on after merges, with their conversations as far as the caller may see them. A problem
/// (404) if there is no such customer for the caller.
async fn seen(store: &Store, caller: &Caller, id: CustomerId) -> Result<(CustomerId, Vec<ConversationId>), Problem> {
    let unknown = || Problem::not_found("customer", id);
    let customer = store.customers().current(id).await?.ok_or_else(unknown)?.id;
    let within = caller.sight.accounts();
    let found = store.conversations().ids_of_customer(customer, within).await?;
    if within.is_some() && found.is_empty() {
        return Err(unknown());
    }
    Ok((customer, found))
}

/// `POST /messages/send`, scope `send`: sends a text to a customer, where they were active last, and answers with the
/// message.
pub async fn send(
    State(desk): State<Desk>,
    State(store): State<Store>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    Body(request): Body<SeedSend>,
) -> Result<Shaped<Replayable<SeedMessage>>, Problem> {
    // The path is part of it: the same key may not mean a request to the API proper as well.
    let idempotency = idempotency(&caller, key, "/messages/send ", &request)?;
    if !caller.sight.is_whole() {
        seen(&store, &caller, request.customer_id).await?;
    }
    let to = SendTo::Latest {
        customer: request.customer_id,
        within: caller.sight.accounts().map(<[_]>::to_vec),
    };
    let command = SendCommand {
        agent: caller.agent,
        sight: caller.sight.clone(),
        idempotency,
        ..SendCommand::of(to, &request.content, caller.author())
    };
    let answer = match desk.send(command).await? {
        Answered::New(message) => Json(SeedMessage::from(MessageView::from(message))).into_response(),
        Answered::Replayed(stored) => {
            let first: MessageView = stored
                .response
                .parse()
                .map_err(|error| Problem::internal(&error.into()))?;
            let replayed = [(REPLAYED.clone(), HeaderValue::from_static("true"))];
            (replayed, Json(SeedMessage::from(first))).into_response()
        }
    };
    Ok(answer.into())
}

/// Returns the superseded system's view of a message.
pub(super) fn view(message: MessageLine) -> SeedMessage {
    SeedMessage {
        id: message.id,
        customer_id: message.customer_id,
        direction: message.direction,
        content: message.content,
        timestamp: message.timestamp,
        ack: message.ack,
        whatsapp_id: message.whatsapp_id,
    }
}
