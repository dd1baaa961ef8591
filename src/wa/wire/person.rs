//! A person in the page's JSON.

use serde::Deserialize;
use serde_json::Value;

use super::ids::identity;
use super::lenient::field;
use crate::domain::customer::Identity;
use crate::domain::display_name;
use crate::domain::speaker::{THE_PHONE, foreign};
use crate::domain::whatsapp::WaContact;

/// Maximum length of a username, in bytes. WhatsApp's own have 3 to 35.
const MAX_USERNAME_BYTES: usize = 100;

/// One person as the page reports them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WirePerson {
    ids: Vec<String>,
    saved_name: Option<String>,
    push_name: Option<String>,
    #[serde(default)]
    username: Option<String>,
}

impl WirePerson {
    /// Returns the LID among the ids, if there is one.
    pub fn lid(&self) -> Option<&str> {
        let mut ids = self.ids.iter().map(String::as_str);
        ids.find(|id| id.ends_with("@lid"))
    }

    /// Converts to the domain's type; ids of an unknown form are left out.
    pub fn domain(self) -> WaContact {
        WaContact {
            identities: identities(&self.ids, self.username.as_deref()),
            saved_name: self.saved_name.as_deref().and_then(display_name::clean),
            push_name: self.push_name.as_deref().and_then(display_name::clean),
        }
    }
}

/// Reads a field that holds a person.
pub(super) fn contact(of: &Value, name: &str) -> Option<WaContact> {
    field::<WirePerson>(of, name).map(WirePerson::domain)
}

/// Returns the name to show: the one in the address book, else the person's own, else the number.
pub(super) fn shown_name(contact: &WaContact) -> Option<String> {
    let number = || contact.identities.first().map(|identity| identity.value.clone());
    contact
        .saved_name
        .clone()
        .or_else(|| contact.push_name.clone())
        .or_else(number)
}

/// Returns how a line names who did something: the linked phone, or the person in the field `who`, else `unknown`.
pub(super) fn doer(is_me: bool, of: &Value, who: &str, unknown: &str) -> String {
    if is_me {
        return THE_PHONE.to_owned();
    }
    let name = contact(of, who).as_ref().and_then(told_name);
    name.unwrap_or_else(|| unknown.to_owned())
}

/// Returns the name for a line, in which nobody reads as one of ours.
pub(super) fn told_name(contact: &WaContact) -> Option<String> {
    shown_name(contact).as_deref().map(foreign)
}

/// Parses ids and username. A username alone identifies nobody, because no message can be sent to it.
fn identities(ids: &[String], username: Option<&str>) -> Vec<Identity> {
    let mut identities: Vec<Identity> = ids.iter().filter_map(|id| identity(id)).collect();
    let is_valid = |name: &&str| {
        (1..=MAX_USERNAME_BYTES).contains(&name.len()) && !name.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    if let Some(username) = username.filter(is_valid)
        && !identities.is_empty()
    {
        // Usernames are case-insensitive.
        identities.push(Identity::username(&username.to_lowercase()));
    }
    identities
}
