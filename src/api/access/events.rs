//! Events as a caller gets to see them.

use crate::contract::JournalEvent;
use crate::domain::rights::Sight;
use crate::store::{Store, StoreError};

/// Returns an event as the caller gets to see it; `None` if they do not: it is of an account or a customer that they do not
/// see, or of none.
pub async fn shown(store: &Store, sight: &Sight, event: JournalEvent) -> Result<Option<JournalEvent>, StoreError> {
    if sight.is_whole() {
        return Ok(Some(event));
    }
    let is_seen = match (event.account_id, event.customer_id) {
        (Some(account), _) => sight.sees(account),
        (None, Some(customer)) => store.sights().customer(sight, customer).await?,
        (None, None) => false,
    };
    Ok(is_seen.then_some(event))
}
