//! Server-sent events: `GET /api/v1/events`, and the stream of the superseded system. The cursor is the journal's number,
//! as on the WebSocket: a client that connects again with `Last-Event-ID` misses nothing.

mod stream;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use schemars::JsonSchema;
use serde::Deserialize;

use super::access::auth::Caller;
use super::filters;
use super::http::extract::{Query, parse_value};
use super::http::problem::{Code, Problem};
use super::openapi::answers::{Events, Shaped};
use super::state::ApiState;
use crate::contract::{FilterRequest, JournalEvent};
use crate::domain::ConversationId;
use crate::domain::rights::Sight;
use crate::store::EventFilter;

pub use stream::{Wanted, open};

static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Query of the stream: the filter of the WebSocket, its lists with commas, and the event to go on after.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Types of events, with commas between them.
    types: Option<String>,
    /// Ids of conversations, with commas between them.
    conversation_ids: Option<String>,
    /// Account by name or id.
    account: Option<String>,
    /// As `Last-Event-ID`, which goes before it.
    resume_from: Option<i64>,
}

/// `GET /events`, scope `read`: streams the journal's events as `crm tail` prints them.
pub async fn show(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    Query(asked): Query<Filter>,
) -> Result<Shaped<Events<JournalEvent>>, Problem> {
    let wanted = Wanted {
        range: state.store.journal().range().await?,
        filter: filter(&state, &caller.sight, &asked).await?,
        resume_from: last_event_id(&headers)?.or(asked.resume_from),
        tell,
    };
    Ok(open(state, caller, wanted).await?.into())
}

/// Returns an event as the journal has it.
fn tell(event: &JournalEvent) -> serde_json::Result<Option<String>> {
    serde_json::to_string(event).map(Some)
}

/// Returns the event after which a client wants to go on.
pub fn last_event_id(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    if headers.get_all(&LAST_EVENT_ID).iter().nth(1).is_some() {
        let detail = "the header Last-Event-ID is there more than once; send it once";
        return Err(Problem::new(Code::MalformedRequest, detail));
    }
    let Some(id) = headers.get(&LAST_EVENT_ID).filter(|id| !id.is_empty()) else {
        return Ok(None);
    };
    let number = id.to_str().ok().and_then(|id| id.trim().parse().ok());
    number.map(Some).ok_or_else(|| {
        let detail = "the Last-Event-ID is not one of ours; connect without it, then load what you show again";
        Problem::new(Code::MalformedRequest, detail)
    })
}

async fn filter(state: &ApiState, sight: &Sight, asked: &Filter) -> Result<EventFilter, Problem> {
    let words = |list: &String| list.split(',').map(|word| word.trim().to_owned()).collect::<Vec<_>>();
    let types = asked.types.as_ref().map(words);
    let types = types.map(|types| parse_value(types.into())).transpose();
    let types = types.map_err(|problem| Problem::new(Code::InvalidQuery, problem.detail).at("/types"))?;
    let wrong_id = |_| {
        let detail = "the ids of conversations are numbers with commas between them";
        Problem::new(Code::InvalidQuery, detail).at("/conversation_ids")
    };
    let ids = asked.conversation_ids.as_ref().map(words);
    let ids: Option<Result<Vec<i64>, _>> = ids.map(|ids| ids.iter().map(|id| id.parse()).collect());
    let ids = ids.transpose().map_err(wrong_id)?;
    let ids = ids.map(|ids| ids.into_iter().map(ConversationId).collect::<Vec<_>>());
    let request = FilterRequest {
        types,
        conversation_ids: ids,
        account: asked.account.clone(),
    };
    filters::of_events(&state.store, sight, request).await
}
