//! Chats whose history is imported; unique by (account, chat).

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, ChatId, HistoryChatId, HistoryMark};

/// A row of `history_chats`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "history_chats")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: HistoryChatId,
    /// Account of the chat.
    pub account_id: AccountId,
    /// WhatsApp's id of the chat.
    pub chat: ChatId,
    /// Oldest message that is imported: older ones come next.
    pub mark: Option<HistoryMark>,
    /// Whether everything within the depth is imported.
    pub done: bool,
    /// How often the page did not have the mark any more.
    pub restarts: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
