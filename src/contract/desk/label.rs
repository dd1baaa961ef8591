//! Labels of conversations.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::customer::present;
use crate::domain::label::Label;
use crate::domain::{LabelId, Timestamp};

/// A label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LabelView {
    /// Id of the label.
    pub id: LabelId,
    /// Its name, unique whatever the case of its letters.
    pub name: String,
    /// `#` and six hexadecimal digits.
    pub color: Option<String>,
    /// Its purpose.
    pub description: Option<String>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// Request for a new label.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLabelRequest {
    /// Its name, 1 to 50 characters.
    pub name: String,
    /// `#` and six hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// Its purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Request to change a label. A field that is left out stays as it is; null empties it.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditLabel {
    /// New colour.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub color: Option<Option<String>>,
    /// New description.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub description: Option<Option<String>>,
}

impl From<Label> for LabelView {
    fn from(label: Label) -> Self {
        Self {
            id: label.id,
            name: label.name,
            color: label.color,
            description: label.description,
            created_at: label.created_at,
            updated_at: label.updated_at,
        }
    }
}
