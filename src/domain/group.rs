//! Groups: avatar and members.

use serde::{Deserialize, Serialize};

use super::WaUserId;
use super::customer::PhoneNumber;

/// A group, besides its conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Address of the avatar.
    pub photo_url: Option<String>,
    /// Members of the group.
    pub participants: Vec<Participant>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// User as it stands after `@` in a text that mentions them.
    pub user: WaUserId,
    /// Name that is shown.
    pub name: String,
    /// Phone number, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<PhoneNumber>,
    /// Whether this is our account.
    pub from_me: bool,
    /// Whether the member is an admin of the group.
    pub is_admin: bool,
}
