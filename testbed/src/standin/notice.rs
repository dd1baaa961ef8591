//! What WhatsApp itself says in a chat: who joined a group or left it, what it is called now, who has a new number.

use serde::Serialize;

use super::jid::Jid;

/// A system message, in WhatsApp Web's own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The message's type, such as `gp2`.
    pub r#type: &'static str,
    /// What happened, such as `add`.
    pub subtype: &'static str,
    /// The new name of a group, its new description.
    pub body: String,
    /// Whom it happened to.
    pub recipients: Vec<Jid>,
    /// What the text of the notice is filled with.
    pub params: Vec<Jid>,
}

impl Notice {
    /// Of something that happened to people in a group.
    pub(crate) fn group(subtype: &'static str, recipients: Vec<Jid>) -> Self {
        Self {
            r#type: "gp2",
            subtype,
            body: String::new(),
            recipients,
            params: Vec::new(),
        }
    }

    /// Of something that a group is called from now on.
    pub(crate) fn group_says(subtype: &'static str, body: &str) -> Self {
        Self {
            body: body.to_owned(),
            ..Self::group(subtype, Vec::new())
        }
    }
}
