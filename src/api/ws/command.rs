//! Commands over the WebSocket: the same requests as REST, through the same code, with the same answers.

use axum::extract::ws::Message;
use serde::Deserialize;
use serde_json::{Value, json};

use super::frame::{self, ClientFrame};
use crate::api::auth::Caller;
use crate::api::extract;
use crate::api::messages::{SendRequest, send};
use crate::api::problem::Problem;
use crate::api::revisions::revise;
use crate::api::scope::Scope;
use crate::api::state::ApiState;
use crate::bridge::Revision;
use crate::domain::{ConversationId, MessageId};

/// The answer to a command, or `None` where there is no such one.
pub async fn run(state: &ApiState, caller: &Caller, session: &str, frame: ClientFrame) -> Option<Message> {
    let answer = match frame.op.as_str() {
        "send" => send_message(state, caller, frame.d).await,
        "edit" => edit(state, caller, frame.d).await,
        "delete" => delete(state, caller, frame.d).await,
        "react" => react(state, caller, frame.d).await,
        "mark_read" => mark_read(state, caller, frame.d).await,
        _ => return None,
    };
    Some(match answer {
        Ok(done) => frame::reply(&frame.id, done.status, &done.d, done.replayed),
        Err(problem) => {
            let body = problem.body("/api/v1/ws", session);
            frame::reply(&frame.id, problem.code.status().as_u16(), &body, false)
        }
    })
}

struct Done {
    status: u16,
    d: Value,
    replayed: bool,
}

async fn send_message(state: &ApiState, caller: &Caller, mut d: Value) -> Result<Done, Problem> {
    caller.needs(Scope::Send)?;
    let key = match d.as_object_mut().and_then(|fields| fields.remove("idempotency_key")) {
        Some(Value::String(key)) => Some(key),
        None | Some(Value::Null) => None,
        Some(_) => {
            return Err(Problem::wrong_field(
                "/idempotency_key",
                "the idempotency key has to be a text",
            ));
        }
    };
    let request: SendRequest = extract::parse_value(d)?;
    let accepted = send(&state.desk, caller, request, key).await?;
    Ok(Done {
        status: 202,
        d: json!(accepted.message),
        replayed: accepted.replayed,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    message_id: MessageId,
    content: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delete {
    message_id: MessageId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct React {
    message_id: MessageId,
    /// Empty takes ours away.
    emoji: String,
}

async fn edit(state: &ApiState, caller: &Caller, d: Value) -> Result<Done, Problem> {
    let request: Edit = extract::parse_value(d)?;
    change(state, caller, request.message_id, Revision::Edit(request.content)).await
}

async fn delete(state: &ApiState, caller: &Caller, d: Value) -> Result<Done, Problem> {
    let request: Delete = extract::parse_value(d)?;
    change(state, caller, request.message_id, Revision::Delete).await
}

async fn react(state: &ApiState, caller: &Caller, d: Value) -> Result<Done, Problem> {
    let request: React = extract::parse_value(d)?;
    change(state, caller, request.message_id, Revision::React(request.emoji)).await
}

async fn change(state: &ApiState, caller: &Caller, id: MessageId, revision: Revision) -> Result<Done, Problem> {
    caller.needs(Scope::Send)?;
    let (status, message) = revise(&state.desk, caller, id, revision).await?;
    Ok(Done {
        status: status.as_u16(),
        d: json!(message.0),
        replayed: false,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MarkRead {
    conversation_id: ConversationId,
}

async fn mark_read(state: &ApiState, caller: &Caller, d: Value) -> Result<Done, Problem> {
    caller.needs(Scope::Send)?;
    let request: MarkRead = extract::parse_value(d)?;
    let conversation = state.desk.mark_read(request.conversation_id).await?;
    Ok(Done {
        status: 200,
        d: json!(conversation),
        replayed: false,
    })
}
