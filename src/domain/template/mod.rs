//! Templates of messages: texts with places for a customer's data and for fields that the author of a message fills.
//!
//! A template is written by people who may do anything with it, so all that it can cost is bounded: the length of its text,
//! how deep it nests, the work of rendering it, and the length of what comes out. It reads what it is given and nothing else.

mod body;
mod render;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::media::FileKind;
use super::{MediaId, TemplateId, Timestamp, display_name};

pub use body::{FILTERS, MAX_BRACKETS, MAX_DEPTH, MAX_TOKENS, TESTS};
pub use render::{FUEL, Values};

/// Longest name of a template, in characters.
pub const MAX_NAME_CHARS: usize = 64;
/// Longest text of a template, in characters.
pub const MAX_BODY_CHARS: usize = 16 * 1024;
/// Longest description of a template, in characters.
pub const MAX_DESCRIPTION_CHARS: usize = 500;
/// Most fields of a template.
pub const MAX_FIELDS: usize = 20;
/// Longest name of a field, in bytes.
pub const MAX_FIELD_NAME: usize = 32;
/// Longest label of a field, in characters.
pub const MAX_LABEL_CHARS: usize = 100;
/// Longest value of a field, in characters.
pub const MAX_VALUE_CHARS: usize = 2000;

/// A stored template. Its JSON is `contract::TemplateView`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Id of the template.
    pub id: TemplateId,
    /// Text that people wrote.
    pub draft: Draft,
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

/// Content of a template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// Unique name.
    pub name: String,
    /// Text with its placeholders, in the language of Jinja.
    pub body: String,
    /// Its purpose.
    pub description: Option<String>,
    /// Fields that the author of a message fills.
    pub fields: Vec<Field>,
    /// File that is sent with the text.
    pub file: Option<TemplateFile>,
}

/// File of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TemplateFile {
    /// The stored file.
    pub id: MediaId,
    /// Kind of message as which it is sent; `None`: chosen by its bytes.
    pub kind: Option<FileKind>,
}

/// A field that the author of a message fills: `{{ fields.order }}`. Stored as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Name, as the text has it behind `fields.`.
    pub name: String,
    /// Question to people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether it has to be filled.
    pub required: bool,
    /// Value while it is not filled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

/// Kind of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The field that the pointer names is wrong.
    Wrong,
    /// The rendered text has no visible characters.
    Empty,
    /// The rendered text is longer than a message may be.
    TooLong,
}

/// Fault of a template, or of what it is to be filled with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct TemplateFault {
    /// Kind of the fault.
    pub kind: FaultKind,
    /// JSON pointer to what is wrong; empty: the whole.
    pub pointer: String,
    /// What is wrong, then what to do.
    pub detail: String,
}

impl TemplateFault {
    /// Creates a fault of what the pointer shows.
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::Wrong,
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }

    fn in_body(line: usize, detail: impl fmt::Display) -> Self {
        Self::at("/body", format!("line {line}: {detail}"))
    }
}

impl Template {
    /// Returns the revision, in characters that are valid in an `ETag`. A template that took the name of a deleted one has
    /// another.
    pub fn tag(&self) -> String {
        format!("{}-{}", self.id, self.revision)
    }
}

impl Draft {
    /// Checks all of a template: every rule that does not depend on whom it is sent to.
    pub fn check(&self) -> Result<(), TemplateFault> {
        check_name(&self.name)?;
        if let Some(description) = &self.description {
            check_line("/description", description, MAX_DESCRIPTION_CHARS)?;
        }
        self.check_fields()?;
        let chars = self.body.chars().count();
        if chars > MAX_BODY_CHARS {
            let detail = format!("the text has {chars} characters and may have {MAX_BODY_CHARS}; make it shorter");
            return Err(TemplateFault::at("/body", detail));
        }
        if self.body.contains('\0') {
            return Err(TemplateFault::at(
                "/body",
                "the text contains a NUL character; remove it",
            ));
        }
        if self.body.trim().is_empty() && self.file.is_none() {
            return Err(TemplateFault::at(
                "/body",
                "the text is empty; write something, or name a file",
            ));
        }
        render::check(&self.body, &self.fields)
    }

    fn check_fields(&self) -> Result<(), TemplateFault> {
        if self.fields.len() > MAX_FIELDS {
            let detail = format!(
                "there are {} fields and may be {MAX_FIELDS}; ask for less",
                self.fields.len()
            );
            return Err(TemplateFault::at("/fields", detail));
        }
        let mut names = BTreeSet::new();
        for (at, field) in self.fields.iter().enumerate() {
            let pointer = |part: &str| format!("/fields/{at}/{part}");
            if !is_field_name(&field.name) {
                let detail = format!(
                    "a field's name is 1 to {MAX_FIELD_NAME} small letters, digits and _, and begins with a letter, such as \
                     order_number"
                );
                return Err(TemplateFault::at(pointer("name"), detail));
            }
            if !names.insert(&field.name) {
                let detail = format!("two fields are called {}; rename one", field.name);
                return Err(TemplateFault::at(pointer("name"), detail));
            }
            if let Some(label) = &field.label {
                check_line(&pointer("label"), label, MAX_LABEL_CHARS)?;
            }
            if let Some(default) = &field.default {
                check_value(&pointer("default"), default)?;
            }
        }
        Ok(())
    }

    /// Renders the text. Empty where the template has a file and its text comes out empty. The caller checks whether the
    /// file is still there.
    pub fn render(&self, given: &BTreeMap<String, String>, values: &Values<'_>) -> Result<String, TemplateFault> {
        let filled = fill(&self.fields, given)?;
        render::render(self, &filled, values)
    }
}

/// Returns the value of each field. Refuses unknown fields, and required ones that are missing or empty.
fn fill<'f>(
    fields: &'f [Field],
    given: &'f BTreeMap<String, String>,
) -> Result<BTreeMap<&'f str, &'f str>, TemplateFault> {
    let pointer = |name: &str| format!("/fields/{}", name.replace('~', "~0").replace('/', "~1"));
    for (name, value) in given {
        if !fields.iter().any(|field| field.name == *name) {
            let known: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
            let known = match known.as_slice() {
                [] => "it has none".to_owned(),
                known => format!("it has {}", known.join(", ")),
            };
            let detail = format!("the template has no field `{}`; {known}", shown(name));
            return Err(TemplateFault::at(pointer(name), detail));
        }
        check_value(&pointer(name), value)?;
    }
    let mut filled = BTreeMap::new();
    for field in fields {
        let given = given.get(&field.name).map(String::as_str);
        let given = given.filter(|value| !value.trim().is_empty());
        let value = given.or(field.default.as_deref()).unwrap_or_default();
        if field.required && value.trim().is_empty() {
            let label = field.label.as_deref().map(|label| format!(" ({label})"));
            let detail = format!("fill the field `{}`{}", field.name, label.unwrap_or_default());
            return Err(TemplateFault::at(pointer(&field.name), detail));
        }
        filled.insert(field.name.as_str(), value);
    }
    Ok(filled)
}

/// Returns a name that somebody sent, short enough to be told back.
fn shown(name: &str) -> String {
    name.chars().take(MAX_NAME_CHARS).collect()
}

fn check_name(name: &str) -> Result<(), TemplateFault> {
    let chars = name.chars().count();
    // It is a part of paths, and an argument of commands.
    let is_usable = display_name::clean(name).as_deref() == Some(name) && !name.contains(['/', '\\']);
    if !is_usable || chars > MAX_NAME_CHARS || [".", ".."].contains(&name) {
        let detail = format!(
            "a template's name has 1 to {MAX_NAME_CHARS} characters, such as welcome, without slashes, control characters and \
             marks that show nothing"
        );
        return Err(TemplateFault::at("/name", detail));
    }
    Ok(())
}

fn check_line(pointer: &str, text: &str, most: usize) -> Result<(), TemplateFault> {
    let chars = text.chars().count();
    if chars > most || text.trim().is_empty() || text.contains(char::is_control) {
        let detail = format!("this is one line of 1 to {most} characters; leave it out, or write one");
        return Err(TemplateFault::at(pointer, detail));
    }
    Ok(())
}

fn check_value(pointer: &str, value: &str) -> Result<(), TemplateFault> {
    let chars = value.chars().count();
    if chars > MAX_VALUE_CHARS {
        let detail = format!("the value has {chars} characters and may have {MAX_VALUE_CHARS}; make it shorter");
        return Err(TemplateFault::at(pointer, detail));
    }
    if value.contains('\0') {
        return Err(TemplateFault::at(
            pointer,
            "the value contains a NUL character; remove it",
        ));
    }
    Ok(())
}

fn is_field_name(name: &str) -> bool {
    let takes = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    begins && name.len() <= MAX_FIELD_NAME && name.bytes().all(takes)
}
