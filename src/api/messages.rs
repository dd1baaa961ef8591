//! `/messages`, and the messages of a conversation.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::auth::Caller;
use super::extract::{Body, Path, Query};
use super::pages::{self, Cursor, OrderWord, Paging};
use super::problem::{Code, Problem};
use super::special::{self, SendContact, SendLocation, SendPoll};
use crate::bridge::{Accepted, Desk, Idempotency, Resolution, SendCommand, SendFile, SendTo};
use crate::domain::customer::PhoneNumber;
use crate::domain::media::FileKind;
use crate::domain::message::Message;
use crate::domain::{ConversationId, CustomerId, MediaId, MessageId};
use crate::store::{Order, Store};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    limit: Option<u64>,
    after: Option<Cursor>,
    before: Option<Cursor>,
    order: Option<OrderWord>,
}

/// A conversation's messages in their order.
pub async fn list(
    State(store): State<Store>,
    Path(conversation): Path<ConversationId>,
    uri: Uri,
    Query(list): Query<List>,
) -> Result<Response, Problem> {
    let paging = Paging {
        limit: list.limit,
        after: list.after,
        before: list.before,
        order: list.order,
    };
    let request = paging.request(Order::Ascending)?;
    // One that has ended in another is read where it goes on.
    let live = store.live_conversation(conversation).await?;
    let live = live.ok_or_else(|| Problem::not_found("conversation", conversation))?;
    let page = store.messages(live.id, request).await?;
    Ok(pages::answer(page, request.order, &uri))
}

pub async fn view(State(store): State<Store>, Path(id): Path<MessageId>) -> Result<Json<Message>, Problem> {
    let message = store.message(id).await?;
    message.map(Json).ok_or_else(|| Problem::not_found("message", id))
}

/// What is to be sent, and to whom: one of `to`, `customer_id` and `conversation_id`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SendRequest {
    /// A phone number in international form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// Under a file it may be left out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub content: String,
    /// A file that was handed in before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<SendMedia>,
    /// In place of a text or file: one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<SendLocation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<SendContact>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll: Option<SendPoll>,
    /// By name, where several accounts could send it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
}

/// The file of a message.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SendMedia {
    pub id: MediaId,
    /// As what it goes out; by itself, as what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<FileKind>,
}

static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(super) static REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The key that makes a repeated request one (rule 25).
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let key = headers.get(&IDEMPOTENCY_KEY).map(HeaderValue::to_str).transpose();
    key.map(|key| key.map(str::to_owned))
        .map_err(|_| Problem::new(Code::BadIdempotencyKey, "the idempotency key is not ASCII; use a UUID"))
}

/// Takes a text into the outbox.
pub async fn create(
    State(desk): State<Desk>,
    caller: Caller,
    headers: HeaderMap,
    body: Body<SendRequest>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?;
    let accepted = send(&desk, &caller, body.0, key).await?;
    let location = format!("/api/v1/messages/{}", accepted.message.id);
    let mut response = (
        StatusCode::ACCEPTED,
        [(header::LOCATION, location)],
        Json(accepted.message),
    )
        .into_response();
    if accepted.replayed {
        response
            .headers_mut()
            .insert(REPLAYED.clone(), HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// The same for REST and the WebSocket.
pub async fn send(
    desk: &Desk,
    caller: &Caller,
    request: SendRequest,
    idempotency_key: Option<String>,
) -> Result<Accepted, Problem> {
    let idempotency = match idempotency_key {
        Some(key) => Some(Idempotency {
            scope: caller.key,
            key,
            body_hash: fingerprint(&request)?,
        }),
        None => None,
    };
    let command = SendCommand {
        to: recipient(&request)?,
        account: request.account,
        special: special::of(
            request.location.as_ref(),
            request.contact.as_ref(),
            request.poll.as_ref(),
            !request.content.is_empty() || request.media.is_some(),
        )?,
        content: request.content,
        file: request.media.map(|SendMedia { id, kind }| SendFile { id, kind }),
        reply_to: request.reply_to,
        author: caller.author(),
        idempotency,
    };
    Ok(desk.send(command).await?)
}

/// What was asked, however it was spelt.
fn fingerprint(request: &SendRequest) -> Result<[u8; 32], Problem> {
    let bytes = serde_json::to_vec(request).map_err(|error| Problem::internal(&error.into()))?;
    Ok(Sha256::digest(bytes).into())
}

fn recipient(request: &SendRequest) -> Result<SendTo, Problem> {
    addressee(request.to.as_deref(), request.customer_id, request.conversation_id)
}

/// The one that is given of a number, a customer and a conversation.
pub(super) fn addressee(
    to: Option<&str>,
    customer: Option<CustomerId>,
    conversation: Option<ConversationId>,
) -> Result<SendTo, Problem> {
    match (to, customer, conversation) {
        (Some(phone), None, None) => phone
            .parse::<PhoneNumber>()
            .map(SendTo::Phone)
            .map_err(|error| Problem::wrong_field("/to", error.to_string())),
        (None, Some(id), None) => Ok(SendTo::Customer(id)),
        (None, None, Some(id)) => Ok(SendTo::Conversation(id)),
        _ => Err(Problem::wrong_field(
            "/to",
            "give one of `to`, `customer_id` and `conversation_id`",
        )),
    }
}

pub async fn retry(State(desk): State<Desk>, Path(id): Path<MessageId>) -> Result<Json<Message>, Problem> {
    Ok(Json(desk.retry(id).await?))
}

pub async fn cancel(State(desk): State<Desk>, Path(id): Path<MessageId>) -> Result<Json<Message>, Problem> {
    Ok(Json(desk.cancel(id).await?))
}

/// What a person has found out about a message.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Sent,
    Failed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    state: Outcome,
}

pub async fn resolve(
    State(desk): State<Desk>,
    Path(id): Path<MessageId>,
    body: Body<Resolve>,
) -> Result<Json<Message>, Problem> {
    let resolution = match body.0.state {
        Outcome::Sent => Resolution::Sent,
        Outcome::Failed => Resolution::Failed,
    };
    Ok(Json(desk.resolve(id, resolution).await?))
}
