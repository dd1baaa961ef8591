//! `/messages`, and the messages of a conversation.

pub mod forward;
pub mod revisions;
pub mod special;

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::access::auth::Caller;
use super::http::answer::{Accepted, Keyed, Replay, Tagged};
use super::http::extract::{Body, Path};
use super::http::listing::{Listed, Listing};
use super::http::problem::{Code, Problem};
use super::http::tags::IfMatch;
use super::http::takes::IdempotencyKey;
use crate::bridge::{
    Answered, Desk, Idempotency, Resolution, SeenMessage, SendCommand, SendFile, SendTo, TemplateFill,
};
use crate::contract::{MessageView, Outcome, ResolveRequest, SendMedia, SendRequest, SendTemplate};
use crate::domain::customer::PhoneNumber;
use crate::domain::message::Message;
use crate::domain::{ConversationId, CustomerId, MessageId};
use crate::store::{self, Order, PageRequest, Store};

/// Filter of the messages of a conversation.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub struct Around {
    /// Message in whose middle the page is.
    around: Option<MessageId>,
}

/// `GET /conversations/{id}/messages`, scope `read`: lists a conversation's messages, the oldest first; with `around` those
/// before and after a message.
pub async fn list(
    State(store): State<Store>,
    Path(conversation): Path<ConversationId>,
    list: Listing<Around>,
) -> Result<Listed<MessageView>, Problem> {
    let request = list.page(Order::Ascending);
    // A merged conversation is read in the one that survived.
    let live = store.conversations().live(conversation).await?;
    let live = live.ok_or_else(|| Problem::not_found("conversation", conversation))?;
    if let Some(middle) = list.filter.around {
        if request.after.is_some() || request.before.is_some() || request.order == Order::Descending {
            let detail =
                "`around` chooses the page by itself, the oldest first; leave out `after`, `before` and `order`";
            return Err(Problem::new(Code::InvalidQuery, detail).at("/around"));
        }
        let place = store.messages().place(live.id, middle).await?;
        let place = place.ok_or_else(|| Problem::not_found("message in this conversation:", middle))?;
        let half = request.limit / 2;
        // A page has at least one row; of a page of one message it only tells whether there is an earlier one.
        let earlier = PageRequest::last(half.max(1)).before(place);
        let later = PageRequest::first(request.limit - half).after(place.previous());
        let mut earlier = store.messages().page(live.id, earlier).await?;
        let later = store.messages().page(live.id, later).await?;
        if half == 0 {
            earlier = store::Page {
                has_more: !earlier.data.is_empty(),
                ends: Some((place, place)),
                data: vec![],
            };
        }
        return Ok(list.answer_around(request, earlier, later));
    }
    let page = store.messages().page(live.id, request).await?;
    Ok(list.answer(request, page))
}

/// `GET /messages/{id}`, scope `read`: returns a message with its revision as `ETag`. That changes with what people change:
/// its text, its time, our reaction, and how it stands before WhatsApp has it; not with ticks.
pub async fn view(State(store): State<Store>, Path(id): Path<MessageId>) -> Result<Tagged<MessageView>, Problem> {
    Ok(tagged(message(&store, id).await?))
}

fn tagged(message: Message) -> Tagged<MessageView> {
    Tagged {
        tag: tag(&message),
        body: message.into(),
    }
}

fn tag(message: &Message) -> String {
    format!("\"{}\"", message.revision())
}

/// Returns a message as the caller has seen it, if `If-Match` names a revision.
async fn seen(store: &Store, id: MessageId, if_match: IfMatch) -> Result<SeenMessage, Problem> {
    let revision = async { Ok::<_, Problem>(message(store, id).await?.revision()) };
    Ok(SeenMessage {
        id,
        revision: if_match.expected(revision).await?,
    })
}

async fn message(store: &Store, id: MessageId) -> Result<Message, Problem> {
    let message = store.messages().get(id).await?;
    message.ok_or_else(|| Problem::not_found("message", id))
}

/// `POST /messages`, scope `send`: puts a message into the outbox and answers 202 with its location.
pub async fn create(
    State(desk): State<Desk>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    body: Body<SendRequest>,
) -> Result<Keyed<Accepted<MessageView>>, Problem> {
    send(&desk, &caller, body.0, key).await
}

/// Accepts a message to send. REST and the WebSocket share this code, and so the idempotency keys.
pub async fn send(
    desk: &Desk,
    caller: &Caller,
    request: SendRequest,
    idempotency_key: Option<String>,
) -> Result<Keyed<Accepted<MessageView>>, Problem> {
    let idempotency = idempotency(caller, idempotency_key, "", &request)?;
    let template = template(&request)?;
    let command = SendCommand {
        to: recipient(desk, &request)?,
        account: request.account,
        special: special::of(
            desk,
            request.location.as_ref(),
            request.contact.as_ref(),
            request.poll.as_ref(),
            !request.content.is_empty() || request.media.is_some(),
        )?,
        content: request.content,
        file: request.media.map(|SendMedia { id, kind }| SendFile { id, kind }),
        template,
        forward: None,
        reply_to: request.reply_to,
        seen_up_to: request.seen_up_to.filter(|_| !request.force),
        send_at: request.send_at,
        author: caller.author(),
        agent: caller.agent,
        sight: caller.sight.clone(),
        idempotency,
    };
    accepted(desk.send(command).await?)
}

/// Answers that a message is accepted, with its location.
fn accepted(answered: Answered<Message>) -> Result<Keyed<Accepted<MessageView>>, Problem> {
    let place = |id: MessageId| format!("/api/v1/messages/{id}");
    Ok(match answered {
        Answered::New(message) => Keyed::New(Accepted::at(place(message.id), message.into())),
        Answered::Replayed(stored) => {
            let location = stored.message.map(place);
            Keyed::Replayed(Replay::of(stored, location)?)
        }
    })
}

/// Returns the idempotency of a request that may carry a key. It hashes the parsed request, so that two spellings of the
/// same JSON count as the same body; `place` tells apart endpoints that take different requests.
pub(super) fn idempotency(
    caller: &Caller,
    key: Option<String>,
    place: &str,
    request: &impl Serialize,
) -> Result<Option<Idempotency>, Problem> {
    let Some(key) = key else { return Ok(None) };
    let bytes = serde_json::to_vec(request).map_err(|error| Problem::internal(&error.into()))?;
    Ok(Some(Idempotency {
        scope: caller.owner,
        key,
        body_hash: Sha256::new().chain_update(place).chain_update(bytes).finalize().into(),
    }))
}

fn recipient(desk: &Desk, request: &SendRequest) -> Result<SendTo, Problem> {
    addressee(
        desk,
        request.to.as_deref(),
        request.customer_id,
        request.conversation_id,
    )
}

/// Returns the template that the request sends, or `None` if it sends none. A problem when there is other content besides.
fn template(request: &SendRequest) -> Result<Option<TemplateFill>, Problem> {
    let Some(SendTemplate { name, fields }) = &request.template else {
        return Ok(None);
    };
    let is_special = request.location.is_some() || request.contact.is_some() || request.poll.is_some();
    if !request.content.is_empty() || request.media.is_some() || is_special {
        let detail = "give `template` or the content itself, not both; a template brings its text and its file";
        return Err(Problem::wrong_field("/template", detail));
    }
    Ok(Some(TemplateFill {
        name: name.clone(),
        fields: fields.clone(),
    }))
}

/// Parses a phone number of the field at `pointer`.
pub(super) fn phone_number(desk: &Desk, pointer: &str, text: &str) -> Result<PhoneNumber, Problem> {
    let parsed = desk.phone_number(text);
    parsed.map_err(|error| Problem::wrong_field(pointer, error.to_string()))
}

/// Returns the recipient. A problem unless exactly one of phone number, customer and conversation is given.
pub(super) fn addressee(
    desk: &Desk,
    to: Option<&str>,
    customer: Option<CustomerId>,
    conversation: Option<ConversationId>,
) -> Result<SendTo, Problem> {
    match (to, customer, conversation) {
        (Some(phone), None, None) => phone_number(desk, "/to", phone).map(SendTo::Phone),
        (None, Some(id), None) => Ok(SendTo::Customer(id)),
        (None, None, Some(id)) => Ok(SendTo::Conversation(id)),
        _ => Err(Problem::wrong_field(
            "/to",
            "give one of `to`, `customer_id` and `conversation_id`",
        )),
    }
}

type Changed = Result<Tagged<MessageView>, Problem>;

/// `POST /messages/{id}/retry`, scope `manage`: sends a failed or unknown message again. It keeps its stanza id, so a
/// phone that has it already shows it once. Answers 412 if `If-Match` names an older state.
pub async fn retry(
    State(desk): State<Desk>,
    State(store): State<Store>,
    Path(id): Path<MessageId>,
    if_match: IfMatch,
) -> Changed {
    Ok(tagged(desk.retry(seen(&store, id, if_match).await?).await?))
}

/// `POST /messages/{id}/release`, scope `send`: sends a message for later now, whoever has written since. Answers 412 if
/// `If-Match` names an older state.
pub async fn release(
    State(desk): State<Desk>,
    State(store): State<Store>,
    Path(id): Path<MessageId>,
    if_match: IfMatch,
) -> Changed {
    Ok(tagged(desk.release(seen(&store, id, if_match).await?).await?))
}

/// `POST /messages/{id}/cancel`, scope `send`: cancels a message that has not been handed to WhatsApp yet. Answers 412 if
/// `If-Match` names an older state.
pub async fn cancel(
    State(desk): State<Desk>,
    State(store): State<Store>,
    Path(id): Path<MessageId>,
    if_match: IfMatch,
) -> Changed {
    Ok(tagged(desk.cancel(seen(&store, id, if_match).await?).await?))
}

/// `POST /messages/{id}/resolve`, scope `manage`: sets the outcome of a message in the state `unknown`. Answers 412 if
/// `If-Match` names an older state.
pub async fn resolve(
    State(desk): State<Desk>,
    State(store): State<Store>,
    Path(id): Path<MessageId>,
    if_match: IfMatch,
    body: Body<ResolveRequest>,
) -> Changed {
    let resolution = match body.0.state {
        Outcome::Sent => Resolution::Sent,
        Outcome::Failed => Resolution::Failed,
    };
    let seen = seen(&store, id, if_match).await?;
    Ok(tagged(desk.resolve(seen, resolution).await?))
}
