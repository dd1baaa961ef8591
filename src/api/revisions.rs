//! Changes of a message that is written: `PATCH` its text, `DELETE` it for everyone, `PUT` an emoji under it. Answered with 202
//! and the message as it is; an event tells when WhatsApp has taken the change.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::auth::Caller;
use super::extract::{Body, Path};
use super::problem::Problem;
use crate::bridge::{Desk, Revision};
use crate::domain::MessageId;
use crate::domain::message::Message;

type Taken = Result<(StatusCode, Json<Message>), Problem>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    content: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct React {
    emoji: String,
}

pub async fn edit(desk: State<Desk>, caller: Caller, id: Path<MessageId>, body: Body<Edit>) -> Taken {
    revise(&desk, &caller, id.0, Revision::Edit(body.0.content)).await
}

pub async fn delete(desk: State<Desk>, caller: Caller, id: Path<MessageId>) -> Taken {
    revise(&desk, &caller, id.0, Revision::Delete).await
}

pub async fn react(desk: State<Desk>, caller: Caller, id: Path<MessageId>, body: Body<React>) -> Taken {
    revise(&desk, &caller, id.0, Revision::React(body.0.emoji)).await
}

pub async fn take_back(desk: State<Desk>, caller: Caller, id: Path<MessageId>) -> Taken {
    revise(&desk, &caller, id.0, Revision::React(String::new())).await
}

/// The same for REST and the WebSocket.
pub async fn revise(desk: &Desk, caller: &Caller, id: MessageId, revision: Revision) -> Taken {
    let message = desk.revise(id, revision, caller.author()).await?;
    Ok((StatusCode::ACCEPTED, Json(message)))
}
