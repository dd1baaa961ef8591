//! Room events that stay inside: what answers one of them never goes to a customer.

use crate::domain::word::words;
use crate::domain::{MatrixEventId, MatrixRoomId, MessageId, NoteId};

words! {
    /// Meaning of a room event that stays inside.
    InternalKind {
        /// It wrote a note, or shows one.
        Note = "note",
        /// A command of an agent. It may have made a message for a customer.
        Command = "command",
        /// A notice of the bot.
        Notice = "notice",
        /// The card of a room.
        Card = "card",
        /// A question of the bot's.
        Question = "question",
        /// An agent's change of a message, which the customer has got.
        Change = "change",
        /// An agent's answer to one of these, which was not sent.
        Aside = "aside",
    }
}

/// A room event that stays inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternalEvent {
    /// Room of the event.
    pub room: MatrixRoomId,
    /// Id of the event.
    pub event: MatrixEventId,
    /// Meaning of the event.
    pub kind: InternalKind,
    /// Note that it wrote, or shows; it may be deleted by now.
    pub note: Option<NoteId>,
    /// Message that the notice is about, that the command made, or that was changed.
    pub message: Option<MessageId>,
}
