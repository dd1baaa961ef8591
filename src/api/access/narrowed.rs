//! Data of customers' events without what is of accounts that are not seen.

use serde_json::Value;

use crate::contract::RawJson;
use crate::domain::rights::Sight;
use crate::domain::{AccountId, CustomerId};
use crate::store::{Store, StoreError};

/// Lists in the data of events of customers, each of whose rows has an account of its own.
const OF_ACCOUNTS: [&str; 2] = ["conversations", "joined"];
/// Place of the customer whom an undone merge restores, who may be of other accounts than the event's customer.
const RESTORED: &str = "/restored";
/// Places of the customers in the data: all of it, or a part.
const CUSTOMERS: [&str; 3] = ["", "/customer", RESTORED];

/// Returns the data of a customer's event without what is of accounts that are not seen. Unread counts are those of now, as
/// requests answer them: the journal has none by account.
pub async fn narrowed(store: &Store, sight: &Sight, data: &RawJson) -> Result<RawJson, StoreError> {
    let corrupt = |error| StoreError::corrupt("journal", error);
    let Some(accounts) = sight.accounts() else {
        return Ok(data.clone());
    };
    let mut data: Value = data.parse().map_err(corrupt)?;
    for list in OF_ACCOUNTS {
        if let Some(rows) = data.get_mut(list).and_then(Value::as_array_mut) {
            rows.retain(|row| row["account_id"].as_i64().is_none_or(|id| sight.sees(AccountId(id))));
        }
    }
    for place in CUSTOMERS {
        let Some(customer) = data.pointer_mut(place) else {
            continue;
        };
        let (Some(id), Some(_)) = (customer["id"].as_i64(), customer.get("unread_count")) else {
            continue;
        };
        let id = CustomerId(id);
        if place == RESTORED && !store.sights().customer(sight, id).await? {
            *customer = Value::Null;
            continue;
        }
        let unread = store.conversations().unread_of(&[id], accounts).await?;
        customer["unread_count"] = unread.get(&id).copied().unwrap_or_default().into();
    }
    RawJson::of(&data).map_err(corrupt)
}
