//! `/messages/{id}/forward`: a message goes into another chat.

use axum::extract::State;

use super::{accepted, addressee, idempotency};
use crate::api::access::auth::Caller;
use crate::api::http::answer::{Accepted, Keyed};
use crate::api::http::extract::{Body, Path};
use crate::api::http::problem::Problem;
use crate::api::http::takes::IdempotencyKey;
use crate::bridge::{Desk, SendCommand};
use crate::contract::{ForwardRequest, MessageView};
use crate::domain::MessageId;

/// `POST /messages/{id}/forward`, scope `send`: sends the content of a message to somebody else, and answers 202 with the
/// location of the new message. It goes out as a message of ours, without WhatsApp's mark "Forwarded", and without a
/// signature; `forwarded_from` names the original. Answers 422 for a message that was deleted, a notice, and a kind that
/// cannot be sent, and 409 while its file is not here.
pub async fn create(
    State(desk): State<Desk>,
    caller: Caller,
    Path(id): Path<MessageId>,
    IdempotencyKey(key): IdempotencyKey,
    body: Body<ForwardRequest>,
) -> Result<Keyed<Accepted<MessageView>>, Problem> {
    forward(&desk, &caller, id, body.0, key).await
}

/// Accepts a message to forward. REST and the WebSocket share this code.
pub async fn forward(
    desk: &Desk,
    caller: &Caller,
    id: MessageId,
    request: ForwardRequest,
    idempotency_key: Option<String>,
) -> Result<Keyed<Accepted<MessageView>>, Problem> {
    let idempotency = idempotency(caller, idempotency_key, &format!("/messages/{id}/forward "), &request)?;
    let to = addressee(
        desk,
        request.to.as_deref(),
        request.customer_id,
        request.conversation_id,
    )?;
    let command = SendCommand {
        account: request.account,
        forward: Some(id),
        seen_up_to: request.seen_up_to.filter(|_| !request.force),
        send_at: request.send_at,
        agent: caller.agent,
        sight: caller.sight.clone(),
        idempotency,
        ..SendCommand::of(to, "", caller.author())
    };
    accepted(desk.send(command).await?)
}
