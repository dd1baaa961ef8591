//! Outbox work: work for WhatsApp and Matrix, stored in the transaction of the change that requires it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::word::words;
use super::{
    AccountId, ConversationId, MatrixEventId, MatrixRoomId, MatrixUserId, MessageId, NoteId, OutboxId, Timestamp,
};

words! {
    /// Relay that does the work.
    Target { WhatsApp = "whatsapp", Matrix = "matrix" }
}

/// Work for one of the relays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    WhatsApp(WhatsAppWork),
    Matrix(MatrixWork),
}

impl Work {
    /// Returns the relay that does the work.
    pub const fn target(&self) -> Target {
        match self {
            Self::WhatsApp(_) => WhatsAppWork::TARGET,
            Self::Matrix(_) => MatrixWork::TARGET,
        }
    }
}

/// Work for one relay. Stored as JSON in the row, beside its target. Rows outlive an upgrade, so a variant or field
/// that was ever written must stay readable.
pub trait TargetWork: Serialize + DeserializeOwned + Into<Work> {
    /// The relay.
    const TARGET: Target;
}

/// Work for the relay to WhatsApp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum WhatsAppWork {
    /// Send a queued message.
    SendMessage { message: MessageId },
    /// Edit a message that WhatsApp has; `by` names the person who wants it.
    EditMessage {
        message: MessageId,
        content: String,
        by: String,
    },
    /// Delete a message for everyone.
    DeleteMessage { message: MessageId, by: String },
    /// React to a message; an empty emoji removes our reaction.
    React {
        message: MessageId,
        emoji: String,
        by: String,
    },
}

impl WhatsAppWork {
    /// Returns the message that the work sends or changes.
    pub const fn message(&self) -> MessageId {
        match self {
            Self::SendMessage { message }
            | Self::EditMessage { message, .. }
            | Self::DeleteMessage { message, .. }
            | Self::React { message, .. } => *message,
        }
    }
}

impl TargetWork for WhatsAppWork {
    const TARGET: Target = Target::WhatsApp;
}

impl From<WhatsAppWork> for Work {
    fn from(work: WhatsAppWork) -> Self {
        Self::WhatsApp(work)
    }
}

/// Work for the relay to Matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum MatrixWork {
    /// Show a message in its conversation's room; creates the room if there is none.
    ShowMessage { message: MessageId },
    /// Show the file of a message that is shown without it, because it came late.
    ShowFile { message: MessageId },
    /// Show the present text of a message that was edited.
    ShowEdit { message: MessageId },
    /// Take a message that was deleted for everyone out of its room.
    ShowDeletion { message: MessageId },
    /// Show the present reactions to a message.
    ShowReactions { message: MessageId },
    /// Show a vote in a poll: by the customer's own user if there is one and it is theirs, else by a line.
    ShowVote {
        message: MessageId,
        from_me: bool,
        text: String,
    },
    /// Update the tick on an agent's message to the message's state.
    Tick { message: MessageId },
    /// Answer a message of ours in its room with a notice: why it was not, or may not have been, sent.
    Answer { about: MessageId, text: String },
    /// Answer an event in a room with a notice: why it was not sent to the customer.
    Reply {
        room: MatrixRoomId,
        event: MatrixEventId,
        text: String,
    },
    /// As [`Self::Reply`], to what an agent wrote for the customer: their client is told too that it is not sent.
    Refuse {
        room: MatrixRoomId,
        event: MatrixEventId,
        text: String,
    },
    /// Show in its conversation's room a note that was written elsewhere, if there is a room.
    ShowNote { note: NoteId },
    /// Mark an agent's event in a room with a reaction: it was taken as what the mark says.
    Mark {
        room: MatrixRoomId,
        event: MatrixEventId,
        key: String,
    },
    /// Bring the card of a room up to date.
    Card { room: MatrixRoomId },
    /// Put a conversation's room into the sub-space where the desk has it.
    Place { room: MatrixRoomId },
    /// Pin an event in its room.
    Pin { room: MatrixRoomId, event: MatrixEventId },
    /// Ask a stored question in its room.
    Ask { question: i64 },
    /// Remove an event that shows what is deleted.
    Remove { room: MatrixRoomId, event: MatrixEventId },
    /// Send a notice to a room that is about no message in it.
    Tell { room: MatrixRoomId, text: String },
    /// Update a room's name, topic and members.
    UpdateRoom,
    /// Notify the owner, if there is one, and the managers of a trouble, or of its end.
    Trouble {
        owner: Option<MatrixUserId>,
        key: String,
        text: String,
        ends: bool,
    },
}

impl MatrixWork {
    /// Returns the room, if the work can be done in that room only.
    pub const fn room(&self) -> Option<&MatrixRoomId> {
        match self {
            Self::Reply { room, .. }
            | Self::Refuse { room, .. }
            | Self::Tell { room, .. }
            | Self::Mark { room, .. }
            | Self::Card { room }
            | Self::Pin { room, .. }
            | Self::Remove { room, .. } => Some(room),
            _ => None,
        }
    }
}

impl TargetWork for MatrixWork {
    const TARGET: Target = Target::Matrix;
}

impl From<MatrixWork> for Work {
    fn from(work: MatrixWork) -> Self {
        Self::Matrix(work)
    }
}

/// A row of the outbox. Rows of one lane, (target, lane), are done in the order of their ids. Rows with `None` as their
/// lane are done in any order.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxItem<W = Work> {
    /// Id of the row.
    pub id: OutboxId,
    /// Account that the work is for.
    pub account_id: AccountId,
    /// Conversation whose order the row keeps.
    pub lane: Option<ConversationId>,
    /// Message that it is about; the row is deleted with it.
    pub message: Option<MessageId>,
    /// The work.
    pub work: W,
    /// How often it was tried and refused. Trouble of the account or homeserver does not count.
    pub attempts: u32,
    /// Time before which it is not done.
    pub not_before: Timestamp,
    /// Time when it was stored.
    pub created_at: Timestamp,
    /// Time when it was first handed to its target; stored before that, so that after a crash it is known that the work
    /// may be done.
    pub started_at: Option<Timestamp>,
    /// Error of the last attempt.
    pub last_error: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses rows of an older database, as they stand in its `work` column.
    #[test]
    fn older_outbox_rows_are_still_read() {
        let message = MessageId(7);
        let whatsapp = [
            (
                r#"{"do":"send_message","message":7}"#,
                WhatsAppWork::SendMessage { message },
            ),
            (
                r#"{"do":"edit_message","message":7,"content":"b","by":"ada"}"#,
                WhatsAppWork::EditMessage {
                    message,
                    content: "b".to_owned(),
                    by: "ada".to_owned(),
                },
            ),
            (
                r#"{"do":"delete_message","message":7,"by":"ada"}"#,
                WhatsAppWork::DeleteMessage {
                    message,
                    by: "ada".to_owned(),
                },
            ),
            (
                r#"{"do":"react","message":7,"emoji":"👍","by":"ada"}"#,
                WhatsAppWork::React {
                    message,
                    emoji: "👍".to_owned(),
                    by: "ada".to_owned(),
                },
            ),
        ];
        for (row, work) in whatsapp {
            assert_eq!(serde_json::to_string(&work).unwrap(), row);
            assert_eq!(serde_json::from_str::<WhatsAppWork>(row).unwrap(), work);
        }
    }

    #[test]
    fn older_rows_for_rooms_are_still_read() {
        let message = MessageId(7);
        let matrix = [
            (
                r#"{"do":"show_message","message":7}"#,
                MatrixWork::ShowMessage { message },
            ),
            (r#"{"do":"show_file","message":7}"#, MatrixWork::ShowFile { message }),
            (r#"{"do":"show_edit","message":7}"#, MatrixWork::ShowEdit { message }),
            (
                r#"{"do":"show_deletion","message":7}"#,
                MatrixWork::ShowDeletion { message },
            ),
            (
                r#"{"do":"show_reactions","message":7}"#,
                MatrixWork::ShowReactions { message },
            ),
            (r#"{"do":"tick","message":7}"#, MatrixWork::Tick { message }),
            (
                r#"{"do":"show_vote","message":7,"from_me":false,"text":"Ada voted"}"#,
                MatrixWork::ShowVote {
                    message,
                    from_me: false,
                    text: "Ada voted".to_owned(),
                },
            ),
            (
                r#"{"do":"answer","about":7,"text":"no"}"#,
                MatrixWork::Answer {
                    about: message,
                    text: "no".to_owned(),
                },
            ),
            (
                r#"{"do":"reply","room":"!r","event":"$e","text":"no"}"#,
                MatrixWork::Reply {
                    room: "!r".into(),
                    event: "$e".into(),
                    text: "no".to_owned(),
                },
            ),
            (
                r#"{"do":"refuse","room":"!r","event":"$e","text":"no"}"#,
                MatrixWork::Refuse {
                    room: "!r".into(),
                    event: "$e".into(),
                    text: "no".to_owned(),
                },
            ),
            (
                r#"{"do":"tell","room":"!r","text":"so"}"#,
                MatrixWork::Tell {
                    room: "!r".into(),
                    text: "so".to_owned(),
                },
            ),
            (r#"{"do":"update_room"}"#, MatrixWork::UpdateRoom),
            (
                r#"{"do":"show_note","note":3}"#,
                MatrixWork::ShowNote { note: NoteId(3) },
            ),
            (
                r#"{"do":"mark","room":"!r","event":"$e","key":"📝"}"#,
                MatrixWork::Mark {
                    room: "!r".into(),
                    event: "$e".into(),
                    key: "📝".to_owned(),
                },
            ),
            (r#"{"do":"ask","question":7}"#, MatrixWork::Ask { question: 7 }),
            (r#"{"do":"card","room":"!r"}"#, MatrixWork::Card { room: "!r".into() }),
            (r#"{"do":"place","room":"!r"}"#, MatrixWork::Place { room: "!r".into() }),
            (
                r#"{"do":"pin","room":"!r","event":"$e"}"#,
                MatrixWork::Pin {
                    room: "!r".into(),
                    event: "$e".into(),
                },
            ),
            (
                r#"{"do":"remove","room":"!r","event":"$e"}"#,
                MatrixWork::Remove {
                    room: "!r".into(),
                    event: "$e".into(),
                },
            ),
            (
                r#"{"do":"trouble","owner":"@o:x","key":"account.1","text":"down","ends":false}"#,
                MatrixWork::Trouble {
                    owner: Some("@o:x".into()),
                    key: "account.1".to_owned(),
                    text: "down".to_owned(),
                    ends: false,
                },
            ),
        ];
        for (row, work) in matrix {
            assert_eq!(serde_json::to_string(&work).unwrap(), row);
            assert_eq!(serde_json::from_str::<MatrixWork>(row).unwrap(), work);
        }
    }
}
