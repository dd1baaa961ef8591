//! Work for the outside world, written in the same transaction as the change that asks for it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::word::words;
use super::{AccountId, ConversationId, MatrixEventId, MatrixRoomId, MatrixUserId, MessageId, OutboxId, Timestamp};

words! {
    /// Which relay takes the work.
    Target { WhatsApp = "whatsapp", Matrix = "matrix" }
}

/// What to do, on either side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    WhatsApp(WhatsAppWork),
    Matrix(MatrixWork),
}

impl Work {
    pub const fn target(&self) -> Target {
        match self {
            Self::WhatsApp(_) => WhatsAppWork::TARGET,
            Self::Matrix(_) => MatrixWork::TARGET,
        }
    }
}

/// Work for one relay. Kept as JSON in the row, beside its target: rows outlive an upgrade, so a variant or field that was
/// ever written stays readable.
pub trait TargetWork: Serialize + DeserializeOwned + Into<Work> {
    const TARGET: Target;
}

/// What to do at WhatsApp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum WhatsAppWork {
    /// Bring a queued message to WhatsApp.
    SendMessage { message: MessageId },
    /// Change what a message says on the customer's phone; `by` is who wants it.
    EditMessage {
        message: MessageId,
        content: String,
        by: String,
    },
    /// Delete a message for everyone.
    DeleteMessage { message: MessageId, by: String },
    /// Put an emoji of ours under a message; empty takes it away.
    React {
        message: MessageId,
        emoji: String,
        by: String,
    },
}

impl TargetWork for WhatsAppWork {
    const TARGET: Target = Target::WhatsApp;
}

impl From<WhatsAppWork> for Work {
    fn from(work: WhatsAppWork) -> Self {
        Self::WhatsApp(work)
    }
}

/// What to do in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum MatrixWork {
    /// Show a message in its conversation's room, making the room first if there is none.
    ShowMessage { message: MessageId },
    /// Bring the tick on an agent's message up to date with the message's state.
    Tick { message: MessageId },
    /// Answer a message of ours in its room with a notice: why it was not, or may not have been, sent.
    Answer { about: MessageId, text: String },
    /// Answer an event in a room with a notice: why it went nowhere.
    Reply {
        room: MatrixRoomId,
        event: MatrixEventId,
        text: String,
    },
    /// Say something in a room, about no message of it.
    Tell { room: MatrixRoomId, text: String },
    /// Bring a room's name, topic and members up to date.
    UpdateRoom,
    /// Tell the owner of a trouble, or of its end.
    Trouble {
        owner: MatrixUserId,
        key: String,
        text: String,
        ends: bool,
    },
}

impl MatrixWork {
    /// The only room that the work can be done in, if it is for one.
    pub const fn room(&self) -> Option<&MatrixRoomId> {
        match self {
            Self::Reply { room, .. } | Self::Tell { room, .. } => Some(room),
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

/// A row of the outbox. Rows of one lane, (target, lane), are taken in the order of their ids; `None` is the lane of
/// what belongs to no conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxItem<W = Work> {
    pub id: OutboxId,
    pub account_id: AccountId,
    pub lane: Option<ConversationId>,
    /// The message that it is about, where it goes away with it.
    pub message: Option<MessageId>,
    pub work: W,
    /// How often it was tried and refused. Trouble of the account or homeserver does not count.
    pub attempts: u32,
    pub not_before: Timestamp,
    pub created_at: Timestamp,
    /// When it was first handed to the outside; set before the handing over, so that after a crash "perhaps done" is known.
    pub started_at: Option<Timestamp>,
    pub last_error: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of an older database, as they stand in its `work` column.
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
        let matrix = [
            (
                r#"{"do":"show_message","message":7}"#,
                MatrixWork::ShowMessage { message },
            ),
            (r#"{"do":"tick","message":7}"#, MatrixWork::Tick { message }),
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
                r#"{"do":"tell","room":"!r","text":"so"}"#,
                MatrixWork::Tell {
                    room: "!r".into(),
                    text: "so".to_owned(),
                },
            ),
            (r#"{"do":"update_room"}"#, MatrixWork::UpdateRoom),
            (
                r#"{"do":"trouble","owner":"@o:x","key":"account.1","text":"down","ends":false}"#,
                MatrixWork::Trouble {
                    owner: "@o:x".into(),
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
