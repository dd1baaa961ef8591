//! Changes of a stored message: `PATCH` its text, `DELETE` it for everyone, `PUT` a reaction. Each answers 202 with the
//! message as it is now; an event tells when WhatsApp has accepted the change. All need the scope `send`.

use axum::extract::State;

use super::{seen, tag};
use crate::api::access::auth::Caller;
use crate::api::http::answer::Accepted;
use crate::api::http::extract::{Body, Path};
use crate::api::http::problem::Problem;
use crate::api::http::tags::IfMatch;
use crate::bridge::{Desk, Revision, SeenMessage};
use crate::contract::{EditRequest, MessageView, ReactRequest};
use crate::domain::MessageId;
use crate::domain::message::Message;
use crate::store::Store;

type Taken = Result<Accepted<MessageView>, Problem>;

/// `PATCH /messages/{id}`, scope `send`: changes the text of a message, or the time of one for later. Answers 412 if
/// `If-Match` names an older state.
pub async fn edit(
    desk: State<Desk>,
    store: State<Store>,
    caller: Caller,
    id: Path<MessageId>,
    if_match: IfMatch,
    body: Body<EditRequest>,
) -> Taken {
    let seen = seen(&store, id.0, if_match).await?;
    let EditRequest { content, send_at } = body.0;
    match (content, send_at) {
        (None, None) => Err(Problem::wrong_field(
            "/content",
            "give a `content`, a `send_at`, or both",
        )),
        (Some(content), None) => revise(&desk, &caller, seen, Revision::Edit(content)).await,
        (content, Some(send_at)) => {
            let changed = desk.change_later(seen, content, send_at, caller.author()).await?;
            Ok(accepted(changed))
        }
    }
}

/// `DELETE /messages/{id}`, scope `send`: deletes a message for everyone. One that was never sent is deleted here, and cannot be
/// retried. Answers 412 if `If-Match` names an older state.
pub async fn delete(
    desk: State<Desk>,
    store: State<Store>,
    caller: Caller,
    id: Path<MessageId>,
    if_match: IfMatch,
) -> Taken {
    let seen = seen(&store, id.0, if_match).await?;
    revise(&desk, &caller, seen, Revision::Delete).await
}

/// `PUT /messages/{id}/reaction`, scope `send`: sets our reaction to a message. Answers 412 if `If-Match` names an older
/// state.
pub async fn react(
    desk: State<Desk>,
    store: State<Store>,
    caller: Caller,
    id: Path<MessageId>,
    if_match: IfMatch,
    body: Body<ReactRequest>,
) -> Taken {
    let seen = seen(&store, id.0, if_match).await?;
    revise(&desk, &caller, seen, Revision::React(body.0.emoji)).await
}

/// `DELETE /messages/{id}/reaction`, scope `send`: removes our reaction. WhatsApp encodes that as a reaction with an empty
/// emoji. Answers 412 if `If-Match` names an older state.
pub async fn take_back(
    desk: State<Desk>,
    store: State<Store>,
    caller: Caller,
    id: Path<MessageId>,
    if_match: IfMatch,
) -> Taken {
    let seen = seen(&store, id.0, if_match).await?;
    revise(&desk, &caller, seen, Revision::React(String::new())).await
}

/// Accepts a change of a message. REST and the WebSocket share this code.
pub async fn revise(desk: &Desk, caller: &Caller, message: SeenMessage, revision: Revision) -> Taken {
    Ok(accepted(desk.revise(message, revision, caller.author()).await?))
}

fn accepted(message: Message) -> Accepted<MessageView> {
    Accepted::tagged(tag(&message), message.into())
}
