//! Reactions in rooms to messages: those of agents, and those that the bot shows for others.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{MatrixEventId, MatrixUserId, MessageId};

/// A row of `room_reactions`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "room_reactions")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Message that it reacts to.
    pub message_id: MessageId,
    pub emoji: String,
    /// Event of the reaction; `None` while it is stored and not sent.
    #[sea_orm(unique)]
    pub event_id: Option<MatrixEventId>,
    /// Agent who reacted; `None`: the bot, for somebody outside the room.
    pub sender: Option<MatrixUserId>,
    pub created_at: i64,
    /// Whether the customer's own user shows it; `None`: no.
    #[serde(default)]
    pub by_customer: Option<bool>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
