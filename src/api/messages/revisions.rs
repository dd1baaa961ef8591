//! Changes of a stored message: `PATCH` its text, `DELETE` it for everyone, `PUT` a reaction. Each answers 202 with the
//! message as it is now; an event tells when WhatsApp has accepted the change. All need the scope `send`.

use axum::extract::State;

use crate::api::access::auth::Caller;
use crate::api::http::answer::Accepted;
use crate::api::http::extract::{Body, Path};
use crate::api::http::problem::Problem;
use crate::bridge::{Desk, Revision};
use crate::contract::{EditRequest, MessageView, ReactRequest};
use crate::domain::MessageId;

type Taken = Result<Accepted<MessageView>, Problem>;

/// `PATCH /messages/{id}`, scope `send`: changes the text of a message, or the time of one for later.
pub async fn edit(desk: State<Desk>, caller: Caller, id: Path<MessageId>, body: Body<EditRequest>) -> Taken {
    let EditRequest { content, send_at } = body.0;
    match (content, send_at) {
        (None, None) => Err(Problem::wrong_field(
            "/content",
            "give a `content`, a `send_at`, or both",
        )),
        (Some(content), None) => revise(&desk, &caller, id.0, Revision::Edit(content)).await,
        (content, Some(send_at)) => {
            let message = desk.change_later(id.0, content, send_at, caller.author()).await?;
            Ok(Accepted::of(message.into()))
        }
    }
}

/// `DELETE /messages/{id}`, scope `send`: deletes a message for everyone.
pub async fn delete(desk: State<Desk>, caller: Caller, id: Path<MessageId>) -> Taken {
    revise(&desk, &caller, id.0, Revision::Delete).await
}

/// `PUT /messages/{id}/reaction`, scope `send`: sets our reaction to a message.
pub async fn react(desk: State<Desk>, caller: Caller, id: Path<MessageId>, body: Body<ReactRequest>) -> Taken {
    revise(&desk, &caller, id.0, Revision::React(body.0.emoji)).await
}

/// `DELETE /messages/{id}/reaction`, scope `send`: removes our reaction. WhatsApp encodes that as a reaction with an empty emoji.
pub async fn take_back(desk: State<Desk>, caller: Caller, id: Path<MessageId>) -> Taken {
    revise(&desk, &caller, id.0, Revision::React(String::new())).await
}

/// Accepts a change of a message. REST and the WebSocket share this code.
pub async fn revise(desk: &Desk, caller: &Caller, id: MessageId, revision: Revision) -> Taken {
    let message = desk.revise(id, revision, caller.author()).await?;
    Ok(Accepted::of(message.into()))
}
