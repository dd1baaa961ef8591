//! Commands over the WebSocket: the same requests as in REST, through the same code, with the same answers.

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::desk;
use crate::api::access::audit;
use crate::api::access::auth::Caller;
use crate::api::access::hidden::hidden;
use crate::api::access::sight::Visible as _;
use crate::api::http::answer::{Accepted, Created, Keyed, Replay};
use crate::api::http::extract;
use crate::api::http::problem::Problem;
use crate::api::messages::revisions::revise;
use crate::api::messages::send;
use crate::api::state::ApiState;
use crate::bridge::Revision;
use crate::contract::{
    ClientFrame, ConversationView, DeleteCommand, EditCommand, MarkReadCommand, RawJson, ReactCommand, Reply,
    SendRequest, TypingCommand,
};
use crate::domain::{MessageId, Operation};

/// The commands, and the operation that each is.
pub const COMMANDS: &[(&str, Operation)] = &[
    ("send", Operation::SendMessage),
    ("forward", Operation::SendMessage),
    ("edit", Operation::ReviseMessage),
    ("delete", Operation::ReviseMessage),
    ("react", Operation::ReviseMessage),
    ("mark_read", Operation::MarkRead),
    ("typing", Operation::SendMessage),
    ("assign", Operation::AssignConversation),
    ("status", Operation::SetStatus),
    ("label", Operation::LabelConversation),
    ("unlabel", Operation::LabelConversation),
    ("note", Operation::WriteNote),
    ("release", Operation::ReleaseMessage),
    ("cancel", Operation::ReleaseMessage),
];

/// Executes a command and returns its reply, or `None` if there is no such command. `request`: id of it, for problems and the
/// audit log. Its problems are replies too, with
/// the status that REST would answer.
pub async fn run(
    state: &ApiState,
    caller: &Caller,
    request: &str,
    frame: ClientFrame,
) -> Option<serde_json::Result<Reply>> {
    let (_, operation) = COMMANDS.iter().find(|(op, _)| *op == frame.op)?;
    let counted = state.access().rates().count(caller.key, true);
    let allowed = counted
        .map_err(|refused| refused.0)
        .and_then(|_| caller.may(*operation));
    let line = || {
        let action = format!("WS {}", frame.op);
        audit::line(caller, *operation, action, subject(&frame.d), request)
    };
    let audited = match allowed.map(|()| line()) {
        Ok(Some(line)) => state.access().record(line).await.map_err(Problem::from),
        Ok(None) => Ok(()),
        Err(problem) => Err(problem),
    };
    let answer = match audited {
        Ok(()) => execute(state, caller, &frame.op, frame.d).await,
        Err(problem) => Err(problem),
    };
    let done = answer.unwrap_or_else(|problem| Done::refused(&problem, request));
    let d = if caller.sight.hides_numbers() {
        done.d.and_then(|d| hidden(&d))
    } else {
        done.d
    };
    Some(d.map(|d| Reply {
        id: frame.id,
        status: done.status,
        d,
        idempotent_replayed: done.replayed,
    }))
}

/// Returns the reply to a frame that could not be read, which counts as a request as well.
pub fn refused(
    state: &ApiState,
    caller: &Caller,
    id: Value,
    problem: Problem,
    request: &str,
) -> serde_json::Result<Reply> {
    let counted = state.access().rates().count(caller.key, true);
    let problem = counted.map_or_else(|refused| refused.0, |_| problem);
    let Done { status, d, replayed } = Done::refused(&problem, request);
    Ok(Reply {
        id: Some(id),
        status,
        d: d?,
        idempotent_replayed: replayed,
    })
}

/// Returns the path of what a command is about, for the audit log.
fn subject(d: &Value) -> String {
    let id = |field: &str| d.get(field).and_then(Value::as_i64);
    match (id("conversation_id"), id("message_id")) {
        (Some(id), _) => format!("/api/v1/conversations/{id}"),
        (None, Some(id)) => format!("/api/v1/messages/{id}"),
        (None, None) => "/api/v1/ws".to_owned(),
    }
}

async fn execute(state: &ApiState, caller: &Caller, op: &str, d: Value) -> Result<Done, Problem> {
    match op {
        "send" => send_message(state, caller, d).await,
        "forward" => desk::forward(state, caller, d).await,
        "edit" => edit(state, caller, d).await,
        "delete" => delete(state, caller, d).await,
        "react" => react(state, caller, d).await,
        "mark_read" => mark_read(state, caller, d).await,
        "typing" => typing(state, caller, d).await,
        "assign" => desk::assign(state, caller, d).await,
        "status" => desk::set_status(state, caller, d).await,
        "label" => desk::put_label(state, caller, d).await,
        "unlabel" => desk::take_label(state, caller, d).await,
        "note" => desk::note(state, caller, d).await,
        "release" => desk::release(state, caller, d).await,
        "cancel" => desk::cancel(state, caller, d).await,
        other => Err(Problem::internal(&anyhow::anyhow!(
            "the command `{other}` is not implemented"
        ))),
    }
}

pub(super) struct Done {
    status: u16,
    d: serde_json::Result<RawJson>,
    replayed: bool,
}

impl Done {
    fn refused(problem: &Problem, request: &str) -> Self {
        Self {
            status: problem.code.status(),
            d: RawJson::of(&problem.body("/api/v1/ws", request)),
            replayed: false,
        }
    }

    pub(super) fn new(status: StatusCode, d: &impl Serialize) -> Self {
        Self {
            status: status.as_u16(),
            d: RawJson::of(d),
            replayed: false,
        }
    }
}

impl<T: Serialize> From<Keyed<Created<T>>> for Done {
    fn from(answer: Keyed<Created<T>>) -> Self {
        match answer {
            Keyed::New(created) => Self::new(StatusCode::CREATED, &created.body),
            Keyed::Replayed(replay) => replay.into(),
        }
    }
}

impl<T: Serialize> From<Keyed<Accepted<T>>> for Done {
    fn from(answer: Keyed<Accepted<T>>) -> Self {
        match answer {
            Keyed::New(accepted) => Self::new(StatusCode::ACCEPTED, &accepted.body),
            Keyed::Replayed(replay) => replay.into(),
        }
    }
}

impl From<Replay> for Done {
    fn from(replay: Replay) -> Self {
        Self {
            status: replay.status().as_u16(),
            d: Ok(replay.body),
            replayed: true,
        }
    }
}

async fn send_message(state: &ApiState, caller: &Caller, mut d: Value) -> Result<Done, Problem> {
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
    Ok(send(&state.desk, caller, request, key).await?.into())
}

async fn edit(state: &ApiState, caller: &Caller, d: Value) -> Result<Done, Problem> {
    let request: EditCommand = extract::parse_value(d)?;
    change(state, caller, request.message_id, Revision::Edit(request.content)).await
}

async fn delete(state: &ApiState, caller: &Caller, d: Value) -> Result<Done, Problem> {
    let request: DeleteCommand = extract::parse_value(d)?;
    change(state, caller, request.message_id, Revision::Delete).await
}

async fn react(state: &ApiState, caller: &Caller, d: Value) -> Result<Done, Problem> {
    let request: ReactCommand = extract::parse_value(d)?;
    change(state, caller, request.message_id, Revision::React(request.emoji)).await
}

async fn change(state: &ApiState, caller: &Caller, id: MessageId, revision: Revision) -> Result<Done, Problem> {
    id.check(&state.store, &caller.sight).await?;
    let accepted = revise(&state.desk, caller, id.into(), revision).await?;
    Ok(Done::new(StatusCode::ACCEPTED, &accepted.body))
}

async fn mark_read(state: &ApiState, caller: &Caller, d: Value) -> Result<Done, Problem> {
    let request: MarkReadCommand = extract::parse_value(d)?;
    request.conversation_id.check(&state.store, &caller.sight).await?;
    let conversation = state.desk.mark_read(request.conversation_id).await?;
    Ok(Done::new(StatusCode::OK, &ConversationView::from(conversation)))
}

async fn typing(state: &ApiState, caller: &Caller, d: Value) -> Result<Done, Problem> {
    let request: TypingCommand = extract::parse_value(d)?;
    request.conversation_id.check(&state.store, &caller.sight).await?;
    state.desk.show_typing(request.conversation_id, request.typing).await?;
    Ok(Done::new(StatusCode::OK, &request))
}
