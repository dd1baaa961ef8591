//! `/messages/events/stream`: unnamed server-sent events, as a page's `EventSource.onmessage` sees them.

use axum::extract::State;
use axum::http::HeaderMap;

use crate::api::access::auth::Caller;
use crate::api::http::problem::Problem;
use crate::api::openapi::answers::{Events, Shaped};
use crate::api::sse::{Wanted, last_event_id, open};
use crate::api::state::ApiState;
use crate::contract::{EventBody, EventType, FilterRequest, JournalEvent, SeedEvent};
use crate::store::EventFilter;

/// Types of the events from which the superseded system's are made.
const TYPES: [EventType; 3] = [
    EventType::MessageReceived,
    EventType::MessageState,
    EventType::CustomerCreated,
];

/// `GET /messages/events/stream`, scope `read`: streams inbound messages, new customers, and that customers have read.
pub async fn stream(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Shaped<Events<SeedEvent>>, Problem> {
    let request = FilterRequest {
        types: Some(TYPES.to_vec()),
        conversation_ids: None,
        account: None,
    };
    let wanted = Wanted {
        range: state.store.journal().range().await?,
        filter: EventFilter::new(request, None).unwrap_or_default(),
        resume_from: last_event_id(&headers)?,
        tell,
    };
    Ok(open(state, caller, wanted).await?.into())
}

fn tell(event: &JournalEvent) -> serde_json::Result<Option<String>> {
    let told = SeedEvent::of(EventBody::parse(event.kind, &event.data)?);
    told.map(|told| serde_json::to_string(&told)).transpose()
}
