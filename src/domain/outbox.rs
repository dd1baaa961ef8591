//! Work for the outside world, written in the same transaction as the change that asks for it.

use serde::{Deserialize, Serialize};

use super::word::words;
use super::{AccountId, ConversationId, MatrixEventId, MatrixRoomId, MatrixUserId, MessageId, OutboxId, Timestamp};

words! {
    /// Which relay takes the work.
    Target { WhatsApp = "whatsapp", Matrix = "matrix" }
}

/// What to do. Kept as JSON in the row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Work {
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

impl Work {
    /// The only room that the work can be done in, if it is for one.
    pub const fn room(&self) -> Option<&MatrixRoomId> {
        match self {
            Self::Reply { room, .. } | Self::Tell { room, .. } => Some(room),
            _ => None,
        }
    }
}

/// A row of the outbox. Rows of one lane, (target, lane), are taken in the order of their ids; `None` is the lane of
/// what belongs to no conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxItem {
    pub id: OutboxId,
    pub target: Target,
    pub account_id: AccountId,
    pub lane: Option<ConversationId>,
    pub work: Work,
    /// How often it was tried and refused. Trouble of the account or homeserver does not count.
    pub attempts: u32,
    pub not_before: Timestamp,
    pub created_at: Timestamp,
    /// When it was first handed to the outside; set before the handing over, so that after a crash "perhaps done" is known.
    pub started_at: Option<Timestamp>,
    pub last_error: Option<String>,
}
