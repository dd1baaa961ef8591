//! Data of customers' events without what is of accounts that are not seen.

use serde_json::Value;

use crate::contract::RawJson;
use crate::domain::AccountId;
use crate::domain::rights::Sight;
use crate::store::StoreError;

/// Lists in the data of events of customers, each of whose rows has an account of its own.
const OF_ACCOUNTS: [&str; 2] = ["conversations", "joined"];

/// Returns the data of a customer's event without what is of accounts that are not seen.
pub fn narrowed(sight: &Sight, data: &RawJson) -> Result<RawJson, StoreError> {
    let corrupt = |error| StoreError::corrupt("journal", error);
    if sight.is_whole() {
        return Ok(data.clone());
    }
    let mut data: Value = data.parse().map_err(corrupt)?;
    for list in OF_ACCOUNTS {
        if let Some(rows) = data.get_mut(list).and_then(Value::as_array_mut) {
            rows.retain(|row| row["account_id"].as_i64().is_none_or(|id| sight.sees(AccountId(id))));
        }
    }
    RawJson::of(&data).map_err(corrupt)
}
