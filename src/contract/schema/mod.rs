//! JSON Schemas of the domain's types, for the description of the API; the contract's own types derive theirs. They stand
//! here because the domain knows of no wire.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{Code, EventType, RawJson, SeedTime};
use crate::domain::account::AccountKind;
use crate::domain::agent::AgentSource;
use crate::domain::attribute::AttributeKind;
use crate::domain::conversation::{ChatKind, ConversationStatus};
use crate::domain::customer::{IdentityKind, IdentitySource, PhoneNumber};
use crate::domain::export::{ExportFormat, ExportState, ExportWhat};
use crate::domain::history::{HistoryDepth, HistoryState};
use crate::domain::matrix::MatrixState;
use crate::domain::media::{FileKind, MediaState};
use crate::domain::message::{Direction, Kind, MessageState, Origin};
use crate::domain::names::NameSource;
use crate::domain::outbox::Target;
use crate::domain::pacing::WaitReason;
use crate::domain::session::SessionState;
use crate::domain::{Role, Scope, Timestamp};

/// Gives enumerations of words their schema: the words, each with what is documented of it.
macro_rules! schemas_of_words {
    ($($name:ident),+ $(,)?) => {$(
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let words: Vec<&str> = Self::ALL.iter().map(|value| value.as_str()).collect();
                of_words(&words, Self::NOTES)
            }
        }
    )+};
}

schemas_of_words! {
    AccountKind, AgentSource, AttributeKind, ChatKind, Code, ConversationStatus, Direction, EventType, ExportFormat, ExportState, ExportWhat, FileKind, HistoryState, IdentityKind,
    IdentitySource, Kind, MatrixState, MediaState, MessageState, NameSource, Origin, Role, Scope, SessionState, Target,
    WaitReason,
}

/// Attributes of an enumeration and of its values, as [`words!`](crate::domain::word) keeps them.
type Notes = (&'static [&'static str], &'static [&'static [&'static str]]);

fn of_words(words: &[&str], (of_all, of_each): Notes) -> Schema {
    let mut description = documented(of_all);
    for (word, notes) in words.iter().zip(of_each) {
        let note = documented(notes);
        if !note.is_empty() {
            description.extend(["\n- `", word, "`: ", &note]);
        }
    }
    json_schema!({ "type": "string", "enum": words, "description": description })
}

/// Returns the text of doc comments among attributes, which are written as `doc = r" Text."`.
fn documented(attributes: &[&str]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let text = attribute.strip_prefix("doc")?;
        let (start, end) = (text.find('"')?, text.rfind('"')?);
        Some(text.get(start + 1..end)?.trim())
    });
    lines.collect::<Vec<_>>().join(" ")
}

/// Gives a type a schema that stands where the type is used.
macro_rules! inline_schemas {
    ($($name:ident: $schema:tt;)+) => {$(
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )+};
}

inline_schemas! {
    Timestamp: {
        "type": "string",
        "format": "date-time",
        "description": "A time (RFC 3339): UTC with milliseconds in answers, any zone in requests.",
    };
    PhoneNumber: {
        "type": "string",
        "pattern": r"^\+[0-9]{7,15}$",
        "description": "A phone number in international form.",
    };
    HistoryDepth: {
        "type": "string",
        "description": "How far back: a number of days such as `90d`, or `all`, or `none`.",
        "examples": ["90d", "all", "none"],
    };
    RawJson: {};
    SeedTime: {
        "type": ["string", "number"],
        "description": "A time: RFC 3339 with or without zone (then UTC), or seconds or milliseconds since 1970.",
        "examples": ["2026-09-21T14:13:20.000Z", 1_790_000_000],
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_of_words_has_words_and_their_notes() {
        let schema = MediaState::json_schema(&mut SchemaGenerator::default());
        assert_eq!(
            schema.get("enum").unwrap(),
            &serde_json::json!(["pending", "stored", "expired", "refused", "broken"])
        );
        let description = schema.get("description").unwrap().as_str().unwrap();
        assert!(
            description.starts_with("State of a medium's bytes.\n- `pending`: WhatsApp has"),
            "{description}"
        );
    }
}
