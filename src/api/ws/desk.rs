//! The desk's commands over the WebSocket.

use axum::http::StatusCode;
use serde_json::Value;

use super::command::Done;
use crate::api::access::auth::Caller;
use crate::api::access::sight::Visible as _;
use crate::api::desk::{labels, notes, work};
use crate::api::http::extract::parse_value;
use crate::api::http::problem::Problem;
use crate::api::messages::forward;
use crate::api::state::ApiState;
use crate::contract::{
    AssignCommand, ConversationView, ForwardCommand, LabelCommand, MessageCommand, MessageView, NoteCommand,
    NoteRequest, StatusCommand,
};
use crate::domain::Operation;
use crate::domain::conversation::Conversation;
use crate::store::Standing;

type Answer = Result<Done, Problem>;

/// Gives a conversation to an agent.
pub async fn assign(state: &ApiState, caller: &Caller, d: Value) -> Answer {
    let request: AssignCommand = parse_value(d)?;
    request.conversation_id.check(&state.store, &caller.sight).await?;
    let changed = work::assign_now(&state.desk, &state.store, request.conversation_id, request.agent_id).await?;
    Ok(done(changed))
}

/// Sets how a conversation stands.
pub async fn set_status(state: &ApiState, caller: &Caller, d: Value) -> Answer {
    let StatusCommand {
        conversation_id,
        status,
        until,
    } = parse_value(d)?;
    conversation_id.check(&state.store, &caller.sight).await?;
    let standing = Standing { status, until };
    Ok(done(state.desk.set_standing(conversation_id, standing, None).await?))
}

/// Puts a label on a conversation.
pub async fn put_label(state: &ApiState, caller: &Caller, d: Value) -> Answer {
    let request: LabelCommand = parse_value(d)?;
    request.conversation_id.check(&state.store, &caller.sight).await?;
    let may_create = caller.may(Operation::EditLabels).is_ok();
    let name = labels::named_in_command(&request.label)?;
    let changed = state
        .desk
        .put_label(request.conversation_id, name, may_create, None)
        .await?;
    Ok(done(changed))
}

/// Takes a label off a conversation.
pub async fn take_label(state: &ApiState, caller: &Caller, d: Value) -> Answer {
    let request: LabelCommand = parse_value(d)?;
    request.conversation_id.check(&state.store, &caller.sight).await?;
    let name = labels::named_in_command(&request.label)?;
    Ok(done(state.desk.take_label(request.conversation_id, name, None).await?))
}

/// Forwards a message.
pub async fn forward(state: &ApiState, caller: &Caller, d: Value) -> Answer {
    let request: ForwardCommand = parse_value(d)?;
    let id = request.message_id;
    id.check(&state.store, &caller.sight).await?;
    let key = request.idempotency_key.clone();
    let sent = forward::forward(&state.desk, caller, id, request.into(), key);
    Ok(sent.await?.into())
}

/// Writes a note.
pub async fn note(state: &ApiState, caller: &Caller, d: Value) -> Answer {
    let NoteCommand {
        conversation_id,
        content,
        idempotency_key,
    } = parse_value(d)?;
    conversation_id.check(&state.store, &caller.sight).await?;
    let request = NoteRequest { content };
    let written = notes::write(&state.desk, caller, conversation_id, request, idempotency_key);
    Ok(written.await?.into())
}

/// Sends a message for later now.
pub async fn release(state: &ApiState, caller: &Caller, d: Value) -> Answer {
    let request: MessageCommand = parse_value(d)?;
    request.message_id.check(&state.store, &caller.sight).await?;
    let message = state.desk.release(request.message_id).await?;
    Ok(Done::new(StatusCode::OK, &MessageView::from(message)))
}

/// Cancels a message that has not gone out.
pub async fn cancel(state: &ApiState, caller: &Caller, d: Value) -> Answer {
    let request: MessageCommand = parse_value(d)?;
    request.message_id.check(&state.store, &caller.sight).await?;
    let message = state.desk.cancel(request.message_id).await?;
    Ok(Done::new(StatusCode::OK, &MessageView::from(message)))
}

fn done(conversation: Conversation) -> Done {
    Done::new(StatusCode::OK, &ConversationView::from(conversation))
}
