//! Assigns conversations, and sets their status and labels.

use axum::extract::State;

use super::labels::named;
use crate::api::access::auth::Caller;
use crate::api::access::sight::{Path, Word};
use crate::api::http::answer::Tagged;
use crate::api::http::extract::Body;
use crate::api::http::problem::Problem;
use crate::api::http::tags::IfMatch;
use crate::bridge::{Assignment, Desk};
use crate::contract::{AssignRequest, ConversationView, StatusRequest};
use crate::domain::conversation::Conversation;
use crate::domain::{AgentId, ConversationId, Operation};
use crate::store::{Standing, Store};

type Changed = Result<Tagged<ConversationView>, Problem>;

/// `POST /conversations/{id}/assign`, scope `send`: gives a conversation to an agent, or to nobody. Answers 409 if
/// somebody else has assigned it meanwhile, and 412 if `If-Match` names an older state.
pub async fn assign(
    State(desk): State<Desk>,
    State(store): State<Store>,
    Path(id): Path<ConversationId>,
    if_match: IfMatch,
    body: Body<AssignRequest>,
) -> Changed {
    let (known, expected) = seen(&store, id, if_match).await?;
    let assignment = Assignment {
        to: body.0.agent_id,
        from: known.assignee.map(|agent| agent.id),
        expected,
    };
    Ok(tagged(desk.assign(id, assignment).await?))
}

/// Gives a conversation to an agent, as the assignment of a WebSocket, which names no state.
pub async fn assign_now(
    desk: &Desk,
    store: &Store,
    id: ConversationId,
    to: Option<AgentId>,
) -> Result<Conversation, Problem> {
    let (known, expected) = seen(store, id, IfMatch::Any).await?;
    let from = known.assignee.map(|agent| agent.id);
    Ok(desk.assign(id, Assignment { to, from, expected }).await?)
}

/// `POST /conversations/{id}/status`, scope `send`: sets how a conversation stands. Answers 412 if `If-Match` names an
/// older state.
pub async fn set_status(
    State(desk): State<Desk>,
    State(store): State<Store>,
    Path(id): Path<ConversationId>,
    if_match: IfMatch,
    body: Body<StatusRequest>,
) -> Changed {
    let (_, expected) = seen(&store, id, if_match).await?;
    let StatusRequest { status, until } = body.0;
    Ok(tagged(
        desk.set_standing(id, Standing { status, until }, expected).await?,
    ))
}

/// `PUT /conversations/{id}/labels/{name}`, scope `send`: puts a label on a conversation. A caller with the scope
/// `manage` creates the label by that, if there is none of this name. Answers 412 if `If-Match` names an older state of the
/// conversation.
pub async fn put_label(
    State(desk): State<Desk>,
    State(store): State<Store>,
    caller: Caller,
    Path((id, Word(name))): Path<(ConversationId, Word)>,
    if_match: IfMatch,
) -> Changed {
    let may_create = caller.may(Operation::EditLabels).is_ok();
    let name = named(&name)?;
    let (_, expected) = seen(&store, id, if_match).await?;
    Ok(tagged(desk.put_label(id, name, may_create, expected).await?))
}

/// `DELETE /conversations/{id}/labels/{name}`, scope `send`: takes a label off a conversation. Answers 412 if `If-Match`
/// names an older state of the conversation.
pub async fn take_label(
    State(desk): State<Desk>,
    State(store): State<Store>,
    Path((id, Word(name))): Path<(ConversationId, Word)>,
    if_match: IfMatch,
) -> Changed {
    let name = named(&name)?;
    let (_, expected) = seen(&store, id, if_match).await?;
    Ok(tagged(desk.take_label(id, name, expected).await?))
}

/// Returns a conversation as it is when the request comes in, and the revision that `If-Match` names.
async fn seen(store: &Store, id: ConversationId, if_match: IfMatch) -> Result<(Conversation, Option<String>), Problem> {
    let live = store.conversations().live(id).await?;
    let live = live.ok_or_else(|| Problem::not_found("conversation", id))?;
    let expected = if_match.against(&live.revision());
    Ok((live, expected))
}

/// Answers with a conversation and its entity tag.
pub fn tagged(conversation: Conversation) -> Tagged<ConversationView> {
    Tagged {
        tag: format!("\"{}\"", conversation.revision()),
        body: conversation.into(),
    }
}
