//! Ids as newtypes, so that the compiler does not accept a customer's id for a message's.
//!
//! Integer ids are keys of our own database (the superseded system's ids are numbers, so ours stay numbers). Text ids
//! are opaque: only `wa` parses WhatsApp's and only `matrix` parses Matrix's; all others only compare and store them.

use std::fmt;

use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};

macro_rules! integer_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, DeriveValueType,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        /// As the number or text that it is: what it identifies is told where it stands.
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                <i64 as schemars::JsonSchema>::json_schema(generator)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

macro_rules! text_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, DeriveValueType,
        )]
        #[serde(transparent)]
        pub struct $name(pub String);

        /// As the number or text that it is: what it identifies is told where it stands.
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                <String as schemars::JsonSchema>::json_schema(generator)
            }
        }

        impl $name {
            /// Returns the id as its owner wrote it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

integer_ids! {
    /// Id of an account: a WhatsApp number that crm drives.
    AccountId,
    /// Id of a customer: one person, whatever number or name they use.
    CustomerId,
    /// Id of a conversation: the chat of one account with one customer or group.
    ConversationId,
    /// Id of a message, inbound or outbound.
    MessageId,
    /// Id of a medium: an image, a voice note or a document of a message.
    MediaId,
    /// Id of an agent: a person who answers customers.
    AgentId,
    /// Id of an API key.
    ApiKeyId,
    /// Id of the definition of an attribute.
    AttributeId,
    /// Id of an export that is written to a file.
    ExportId,
    /// Id of a label.
    LabelId,
    /// Id of a note.
    NoteId,
    /// Id of a template of messages.
    TemplateId,
    /// Id of a merge of two customers.
    MergeId,
    /// Id of an outbox row.
    OutboxId,
    /// Id of an event in the quarantine.
    QuarantineId,
    /// Id of a chat whose history is imported.
    HistoryChatId,
    /// Owner of idempotency keys: the id of the first API key of a succession, or minus the id of an agent.
    OwnerId,
    /// Number of an event in the journal. The first event has 1; 0 means "before everything".
    Seq,
}

impl OwnerId {
    /// Returns the owner of the keys of a succession, given its first.
    pub const fn of_key(first: ApiKeyId) -> Self {
        Self(first.0)
    }

    /// Returns the owner of everything that an agent does with any key.
    pub const fn of_agent(agent: AgentId) -> Self {
        Self(-agent.0)
    }
}

text_ids! {
    /// WhatsApp's id of a chat (`…@c.us`, `…@lid`, `…@g.us`).
    ChatId,
    /// WhatsApp's id of a person; the same forms as a one-to-one chat.
    WaUserId,
    /// WhatsApp's stanza id: the part of a message key that stays when a chat moves from number to LID.
    WaMessageId,
    /// Position in a chat, in the page's own format, before which older messages can be read.
    HistoryMark,
    /// Id of a Matrix room.
    MatrixRoomId,
    /// Id of an event in a Matrix room.
    MatrixEventId,
    /// Id of a Matrix user.
    MatrixUserId,
}
