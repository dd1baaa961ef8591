//! How far agents have read in rooms, and whether they let others see it.

use entity::{agent_receipt, room_read};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::domain::message::Seen;
use crate::domain::{MatrixRoomId, MatrixUserId, MessageId, Timestamp};
use crate::store::facet::{Database, Rooms};
use crate::store::{StoreError, Tx};

/// Knowledge about an agent's receipts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipts {
    /// Whether there was a public one.
    pub are_sent: bool,
    /// Whether the agent was told what it means that there was none.
    pub is_told: bool,
}

impl<D: Database> Rooms<'_, D> {
    /// Returns the newest message in a room that an agent has seen, if that is known.
    pub async fn read_by(&self, room: &MatrixRoomId, user: &MatrixUserId) -> Result<Option<Seen>, StoreError> {
        let row = room_read::Entity::find()
            .filter(room_read::Column::RoomId.eq(room.as_str()))
            .filter(room_read::Column::UserId.eq(user.as_str()))
            .one(self.0.connection())
            .await?;
        Ok(row.map(|row| Seen {
            message: row.seen,
            at: Timestamp(row.updated_at),
        }))
    }

    /// Returns what is known of an agent's receipts.
    pub async fn receipts(&self, user: &MatrixUserId) -> Result<Receipts, StoreError> {
        let row = agent_receipt::Entity::find()
            .filter(agent_receipt::Column::UserId.eq(user.as_str()))
            .one(self.0.connection())
            .await?;
        Ok(row.map_or_else(Receipts::default, |row| Receipts {
            are_sent: row.first_at.is_some(),
            is_told: row.told_at.is_some(),
        }))
    }
}

impl Rooms<'_, Tx> {
    /// Stores that an agent has seen a message in a room. Returns whether that is news.
    pub async fn note_read(
        &self,
        room: &MatrixRoomId,
        user: &MatrixUserId,
        message: MessageId,
    ) -> Result<bool, StoreError> {
        let seen = Seen {
            message,
            at: self.0.now,
        };
        match self.read_by(room, user).await? {
            Some(before) if self.0.messages().newest(&[before, seen]).await? == Some(before) => return Ok(false),
            Some(_) => {
                room_read::Entity::update_many()
                    .col_expr(room_read::Column::Seen, Expr::value(seen.message))
                    .col_expr(room_read::Column::UpdatedAt, Expr::value(seen.at.0))
                    .filter(room_read::Column::RoomId.eq(room.as_str()))
                    .filter(room_read::Column::UserId.eq(user.as_str()))
                    .exec(&self.0.session)
                    .await?;
            }
            None => {
                let row = room_read::ActiveModel {
                    id: NotSet,
                    room_id: Set(room.clone()),
                    user_id: Set(user.clone()),
                    seen: Set(seen.message),
                    updated_at: Set(seen.at.0),
                };
                room_read::Entity::insert(row).exec(&self.0.session).await?;
            }
        }
        Ok(true)
    }

    /// Forgets how far agents have read in a room that is gone.
    pub async fn forget_reads(&self, room: &MatrixRoomId) -> Result<(), StoreError> {
        room_read::Entity::delete_many()
            .filter(room_read::Column::RoomId.eq(room.as_str()))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Stores that an agent has sent a public receipt.
    pub async fn note_receipt(&self, user: &MatrixUserId) -> Result<(), StoreError> {
        if self.receipts(user).await?.are_sent {
            return Ok(());
        }
        self.put_receipts(user, agent_receipt::Column::FirstAt).await
    }

    /// Stores that an agent was told what it means that they send no public receipts.
    pub async fn mark_receipts_told(&self, user: &MatrixUserId) -> Result<(), StoreError> {
        self.put_receipts(user, agent_receipt::Column::ToldAt).await
    }

    async fn put_receipts(&self, user: &MatrixUserId, column: agent_receipt::Column) -> Result<(), StoreError> {
        let updated = agent_receipt::Entity::update_many()
            .col_expr(column, Expr::value(self.0.now.0))
            .filter(agent_receipt::Column::UserId.eq(user.as_str()))
            .exec(&self.0.session)
            .await?;
        if updated.rows_affected > 0 {
            return Ok(());
        }
        let now = Some(self.0.now.0);
        let is_first = matches!(column, agent_receipt::Column::FirstAt);
        let row = agent_receipt::ActiveModel {
            id: NotSet,
            user_id: Set(user.clone()),
            first_at: Set(now.filter(|_| is_first)),
            told_at: Set(now.filter(|_| !is_first)),
        };
        agent_receipt::Entity::insert(row).exec(&self.0.session).await?;
        Ok(())
    }
}
