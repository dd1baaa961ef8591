//! Events as a caller gets to see them: no more, and of lists that everybody reads no less, than the requests that read the
//! same tell them.

use serde::Deserialize;

use super::auth::Caller;
use super::hidden::hidden;
use super::narrowed::narrowed;
use crate::contract::{EventType, JournalEvent, RawJson, Scope};
use crate::domain::ExportId;
use crate::store::{Store, StoreError};

/// Types of the events of lists that belong to no account: every key may read them with all their rows.
const OF_ALL: [EventType; 11] = [
    EventType::LabelCreated,
    EventType::LabelUpdated,
    EventType::LabelDeleted,
    EventType::AttributeCreated,
    EventType::AttributeUpdated,
    EventType::AttributeDeleted,
    EventType::AgentCreated,
    EventType::AgentUpdated,
    EventType::TemplateCreated,
    EventType::TemplateUpdated,
    EventType::TemplateDeleted,
];

/// Returns whether a caller gets all events of a type as the journal has them.
pub fn are_whole(caller: &Caller, kind: EventType) -> bool {
    let is_theirs = kind != EventType::ExportState || caller.scope >= Scope::Manage;
    caller.sight.is_whole() && !caller.sight.hides_numbers() && is_theirs
}

/// Returns an event as the caller gets to see it; `None` if they do not: it is of an account, a customer or an export that they
/// do not see, or of nothing that they may read. Who sees everything gets the bytes of the journal.
pub async fn shown(
    store: &Store,
    caller: &Caller,
    mut event: JournalEvent,
) -> Result<Option<JournalEvent>, StoreError> {
    if are_whole(caller, event.kind) {
        return Ok(Some(event));
    }
    let sight = &caller.sight;
    let is_seen = match (event.kind, event.account_id, event.customer_id) {
        // Before the account, which is only the one that the export is filtered by.
        (EventType::ExportState, _, _) => is_their_export(store, caller, &event.data).await?,
        (_, Some(account), _) => sight.sees(account),
        (_, None, Some(customer)) => store.sights().customer(sight, customer).await?,
        (kind, None, None) => sight.is_whole() || OF_ALL.contains(&kind),
    };
    if !is_seen {
        return Ok(None);
    }
    if event.account_id.is_none() && event.customer_id.is_some() {
        event.data = narrowed(store, sight, &event.data).await?;
    }
    if sight.hides_numbers() {
        event.data = hidden(&event.data).map_err(|error| StoreError::corrupt("journal", error))?;
    }
    Ok(Some(event))
}

/// The part of an export's data by which it is found, whichever version wrote them.
#[derive(Deserialize)]
struct OfExport {
    id: ExportId,
}

/// Returns whether `GET /exports/{id}` would answer the caller with this export.
async fn is_their_export(store: &Store, caller: &Caller, data: &RawJson) -> Result<bool, StoreError> {
    let OfExport { id } = data.parse().map_err(|error| StoreError::corrupt("journal", error))?;
    let job = store.exports().get(id).await?;
    Ok(job.is_some_and(|job| caller.sees_export(&job)))
}
