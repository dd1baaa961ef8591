//! The audit log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::Timestamp;

/// An entry of the audit log: something that was done with a key of scope `manage` or `admin`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditView {
    /// Id of the entry.
    pub id: i64,
    /// Time of the action.
    pub at: Timestamp,
    /// Key or person that did it.
    pub actor: String,
    /// Method and route, or name of the action.
    pub action: String,
    /// Thing that the action was done to.
    pub subject: String,
    /// Further facts.
    pub detail: Value,
}
