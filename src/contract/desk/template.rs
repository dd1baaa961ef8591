//! Templates of messages.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::MediaView;
use crate::contract::customer::present;
use crate::contract::send::SendMedia;
use crate::domain::media::FileKind;
use crate::domain::template::{Draft, Field, Template, TemplateFile};
use crate::domain::{ConversationId, CustomerId, MediaId, TemplateId, Timestamp};

/// A template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TemplateView {
    /// Id of the template.
    pub id: TemplateId,
    /// Unique name.
    pub name: String,
    /// Its purpose.
    pub description: Option<String>,
    /// Text with its placeholders.
    pub body: String,
    /// Fields that the author of a message fills.
    pub fields: Vec<TemplateFieldView>,
    /// File that is sent with the text.
    pub media: Option<TemplateMediaView>,
    /// Number of changes, from 1.
    pub revision: i64,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
    /// Name of the key or agent that created it.
    pub created_by: String,
    /// Name of the key or agent that changed it last.
    pub updated_by: String,
}

/// A field of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TemplateFieldView {
    /// Name, as the text has it behind `fields.`.
    pub name: String,
    /// Question to people; null: the name says it.
    pub label: Option<String>,
    /// Whether it has to be filled.
    pub required: bool,
    /// Value while it is not filled.
    pub default: Option<String>,
}

/// File of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TemplateMediaView {
    /// Id of the file.
    pub id: MediaId,
    /// Kind of message as which it is sent; absent: chosen by its bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<FileKind>,
}

/// Request to create a template. An idempotency key is bound to the bytes that this serializes to.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTemplateRequest {
    /// Unique name.
    pub name: String,
    /// Its purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Text with its placeholders. May be left out where there is a file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// Fields that the author of a message fills.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<TemplateField>,
    /// File that is sent with the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<SendMedia>,
}

/// Field of a template, in requests.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateField {
    /// Name, as the text has it behind `fields.`.
    pub name: String,
    /// Question to people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether it has to be filled; true if it is left out.
    #[serde(default = "is_required")]
    pub required: bool,
    /// Value while it is not filled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

const fn is_required() -> bool {
    true
}

/// Request to change a template. An absent field is not changed.
#[allow(clippy::option_option, reason = "absent, null and a value are three things")]
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditTemplate {
    /// Another name.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub name: Option<String>,
    /// Its purpose, or null.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub description: Option<Option<String>>,
    /// Text with its placeholders.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub body: Option<String>,
    /// All fields; replaces those of before.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<TemplateField>")]
    pub fields: Option<Vec<TemplateField>>,
    /// File that is sent with the text, or null.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub media: Option<Option<SendMedia>>,
}

/// Request to render a template for one of `customer_id` and `conversation_id`, without sending it.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenderRequest {
    /// Customer to whom it would go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// Conversation in which it would go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// Values of the template's fields.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

/// Message that a template would become.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RenderedView {
    /// The text, or the caption of the file.
    pub content: String,
    /// The file; null if there is none.
    pub media: Option<MediaView>,
}

/// Template of a message to be sent, in place of its content.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendTemplate {
    /// Name of the template.
    pub name: String,
    /// Values of its fields.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

impl From<Template> for TemplateView {
    fn from(template: Template) -> Self {
        let draft = template.draft;
        Self {
            id: template.id,
            name: draft.name,
            description: draft.description,
            body: draft.body,
            fields: draft.fields.into_iter().map(Into::into).collect(),
            media: draft
                .file
                .map(|TemplateFile { id, kind }| TemplateMediaView { id, kind }),
            revision: template.revision,
            created_at: template.created_at,
            updated_at: template.updated_at,
            created_by: template.created_by,
            updated_by: template.updated_by,
        }
    }
}

impl From<Field> for TemplateFieldView {
    fn from(field: Field) -> Self {
        Self {
            name: field.name,
            label: field.label,
            required: field.required,
            default: field.default,
        }
    }
}

impl From<TemplateField> for Field {
    fn from(field: TemplateField) -> Self {
        Self {
            name: field.name,
            label: field.label,
            required: field.required,
            default: field.default,
        }
    }
}

impl From<SendMedia> for TemplateFile {
    fn from(media: SendMedia) -> Self {
        Self {
            id: media.id,
            kind: media.kind,
        }
    }
}

impl From<NewTemplateRequest> for Draft {
    fn from(request: NewTemplateRequest) -> Self {
        Self {
            name: request.name,
            body: request.body,
            description: request.description,
            fields: request.fields.into_iter().map(Into::into).collect(),
            file: request.media.map(Into::into),
        }
    }
}
