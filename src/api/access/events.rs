//! Events as a caller gets to see them.

use serde_json::Value;

use super::hidden::hidden;
use crate::contract::{JournalEvent, RawJson};
use crate::domain::AccountId;
use crate::domain::rights::Sight;
use crate::store::{Store, StoreError};

/// Lists in the data of events of customers, each of whose rows has an account of its own.
const OF_ACCOUNTS: [&str; 2] = ["conversations", "joined"];

/// Returns an event as the caller gets to see it; `None` if they do not: it is of an account or a customer that they do not
/// see, or of none. Who sees everything gets the bytes of the journal.
pub async fn shown(store: &Store, sight: &Sight, mut event: JournalEvent) -> Result<Option<JournalEvent>, StoreError> {
    let corrupt = |error| StoreError::corrupt("journal", error);
    if !sight.is_whole() {
        let is_seen = match (event.account_id, event.customer_id) {
            (Some(account), _) => sight.sees(account),
            (None, Some(customer)) => store.sights().customer(sight, customer).await?,
            (None, None) => false,
        };
        if !is_seen {
            return Ok(None);
        }
        if event.account_id.is_none() {
            event.data = narrowed(&event.data, sight).map_err(corrupt)?;
        }
    }
    if sight.hides_numbers() {
        event.data = hidden(&event.data).map_err(corrupt)?;
    }
    Ok(Some(event))
}

/// Returns the data of a customer's event without what is of accounts that are not seen.
fn narrowed(data: &RawJson, sight: &Sight) -> serde_json::Result<RawJson> {
    let mut data: Value = data.parse()?;
    for list in OF_ACCOUNTS {
        if let Some(rows) = data.get_mut(list).and_then(Value::as_array_mut) {
            rows.retain(|row| row["account_id"].as_i64().is_none_or(|id| sight.sees(AccountId(id))));
        }
    }
    RawJson::of(&data)
}
