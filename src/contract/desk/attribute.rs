//! Definitions of customers' attributes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::customer::present;
use crate::domain::attribute::{Attribute, AttributeKind};
use crate::domain::{AttributeId, Timestamp};

/// The definition of an attribute of customers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttributeView {
    /// Id of the definition.
    pub id: AttributeId,
    /// Its name, by which customers have it in `attributes`.
    pub name: String,
    /// Kind of its values; fixed when it is created.
    pub kind: AttributeKind,
    /// The values that it takes; empty unless it is a choice.
    pub choices: Vec<String>,
    /// Its purpose.
    pub description: Option<String>,
    /// Number of its changes, from 1.
    pub revision: i64,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// Request to define an attribute.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAttributeRequest {
    /// Its name: a letter, then letters, digits, `_` and `-`, 50 characters at most.
    pub name: String,
    /// Kind of its values.
    pub kind: AttributeKind,
    /// The values that a choice takes, 100 at most; only for a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<String>>,
    /// Its purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Request to change a definition, whose name and kind stay. A field that is left out stays as it is; null empties the
/// description.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditAttribute {
    /// All choices; replaces those of before. Values that customers have stay, also those that are no choice any more.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>")]
    pub choices: Option<Vec<String>>,
    /// New description.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub description: Option<Option<String>>,
}

impl From<Attribute> for AttributeView {
    fn from(attribute: Attribute) -> Self {
        Self {
            id: attribute.id,
            name: attribute.name,
            kind: attribute.kind,
            choices: attribute.choices,
            description: attribute.description,
            revision: attribute.revision,
            created_at: attribute.created_at,
            updated_at: attribute.updated_at,
        }
    }
}

impl From<AttributeView> for Attribute {
    fn from(view: AttributeView) -> Self {
        Self {
            id: view.id,
            name: view.name,
            kind: view.kind,
            choices: view.choices,
            description: view.description,
            revision: view.revision,
            created_at: view.created_at,
            updated_at: view.updated_at,
        }
    }
}
