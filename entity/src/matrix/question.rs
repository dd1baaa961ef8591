//! Questions of the bot's in rooms. Unique by the event that waits for the answer, and by the one that asks.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{MatrixEventId, MatrixRoomId, MatrixUserId, MessageId};

/// A row of `questions`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "questions")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Reason for asking: a word of `QuestionKind`.
    pub kind: String,
    /// Room of the question.
    pub room_id: MatrixRoomId,
    /// Event that waits for the answer.
    #[sea_orm(unique)]
    pub about: MatrixEventId,
    /// Author of that event, who alone may answer.
    pub author: MatrixUserId,
    /// Text of the question.
    pub content: String,
    /// Event that asks; `None` while it is not sent.
    #[sea_orm(unique)]
    pub event_id: Option<MatrixEventId>,
    /// Event to which a late reaction was set.
    pub target: Option<MatrixEventId>,
    /// The late reaction.
    pub emoji: Option<String>,
    /// Newest message that the question shows.
    pub seen: Option<MessageId>,
    /// Newest message past which its author has let what waits go.
    pub allowed: Option<MessageId>,
    pub created_at: i64,
    /// Time at which it is given up.
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
