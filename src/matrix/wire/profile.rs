//! What we wrote into a ghost's profile, kept in the ghost's account data: after a restart it says what need not be
//! written again. (The profile itself has the picture's new address only, which does not say which picture it is.)

use matrix_sdk::ruma::events::{AnyGlobalAccountDataEventContent, GlobalAccountDataEventType};
use matrix_sdk::ruma::serde::Raw;
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;

use super::fault::Fault;

/// Name and picture of a customer's user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GhostProfile {
    /// Name as we wrote it.
    #[serde(default)]
    pub name: String,
    /// Our address of the picture that we uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
}

impl GhostProfile {
    /// Returns the type of the account data.
    pub fn kind() -> GlobalAccountDataEventType {
        GlobalAccountDataEventType::from("crm.profile")
    }

    /// Reads the account data; what cannot be read is written again.
    pub fn read(raw: &Raw<AnyGlobalAccountDataEventContent>) -> Self {
        serde_json::from_str(raw.json().get()).unwrap_or_default()
    }

    /// Returns the account data.
    pub fn content(&self) -> Result<Raw<AnyGlobalAccountDataEventContent>, Fault> {
        Ok(Raw::from_json(to_raw_value(self)?))
    }
}
