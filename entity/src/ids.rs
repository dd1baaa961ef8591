//! Ids as newtypes, so that a customer's id can never stand where a message's is wanted.
//!
//! Integer ids are keys of our own database (the superseded system's ids are numbers, so ours stay numbers). Text ids are
//! opaque: only `wa` parses WhatsApp's, only `matrix` parses Matrix's; everybody else compares and stores them.

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

        impl $name {
            /// The id as its owner wrote it.
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
    /// A WhatsApp number that we drive.
    AccountId,
    /// A person who writes to us, whatever number or name they use.
    CustomerId,
    /// One account's chat with one customer (or one group).
    ConversationId,
    /// A message, in or out.
    MessageId,
    /// A picture, a voice note, a document: what a message carries besides its text.
    MediaId,
    /// A person who answers.
    AgentId,
    /// A key of the API.
    ApiKeyId,
    /// That two customers were made one.
    MergeId,
    /// A piece of work for the outside world.
    OutboxId,
    /// An event from outside that could not be taken in.
    QuarantineId,
    /// A chat whose history is imported.
    HistoryChatId,
    /// A position in the journal. The first event has 1; 0 means "before everything".
    Seq,
}

text_ids! {
    /// A chat as WhatsApp names it (`…@c.us`, `…@lid`, `…@g.us`).
    ChatId,
    /// A person as WhatsApp names them; the same forms as a one-to-one chat.
    WaUserId,
    /// WhatsApp's stanza id: the part of a message key that survives a chat's move from number to LID.
    WaMessageId,
    /// A place in a chat, as the page names it, from which on older messages can be asked for.
    HistoryMark,
    /// A room of Matrix.
    MatrixRoomId,
    /// An event in a room of Matrix.
    MatrixEventId,
    /// A user of Matrix.
    MatrixUserId,
}
