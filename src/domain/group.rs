//! What is known of a group besides its conversation: its picture and who is in it.

use serde::{Deserialize, Serialize};

use super::WaUserId;
use super::customer::PhoneNumber;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Where its picture is served.
    pub photo_url: Option<String>,
    pub participants: Vec<Participant>,
}

/// Somebody in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// As it stands after `@` in a text that calls them by name.
    pub user: WaUserId,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<PhoneNumber>,
    /// Ourselves.
    pub from_me: bool,
    pub is_admin: bool,
}
