//! Changes of a message that is written: `PATCH` its text, `DELETE` it for everyone, `PUT` an emoji under it. Answered with 202
//! and the message as it is; an event tells when WhatsApp has taken the change.

use axum::extract::State;

use crate::api::access::auth::Caller;
use crate::api::http::answer::Accepted;
use crate::api::http::extract::{Body, Path};
use crate::api::http::problem::Problem;
use crate::bridge::{Desk, Revision};
use crate::contract::{EditRequest, MessageView, ReactRequest};
use crate::domain::MessageId;

type Taken = Result<Accepted<MessageView>, Problem>;

pub async fn edit(desk: State<Desk>, caller: Caller, id: Path<MessageId>, body: Body<EditRequest>) -> Taken {
    revise(&desk, &caller, id.0, Revision::Edit(body.0.content)).await
}

pub async fn delete(desk: State<Desk>, caller: Caller, id: Path<MessageId>) -> Taken {
    revise(&desk, &caller, id.0, Revision::Delete).await
}

pub async fn react(desk: State<Desk>, caller: Caller, id: Path<MessageId>, body: Body<ReactRequest>) -> Taken {
    revise(&desk, &caller, id.0, Revision::React(body.0.emoji)).await
}

pub async fn take_back(desk: State<Desk>, caller: Caller, id: Path<MessageId>) -> Taken {
    revise(&desk, &caller, id.0, Revision::React(String::new())).await
}

/// The same for REST and the WebSocket.
pub async fn revise(desk: &Desk, caller: &Caller, id: MessageId, revision: Revision) -> Taken {
    let message = desk.revise(id, revision, caller.author()).await?;
    Ok(Accepted::of(message.into()))
}
