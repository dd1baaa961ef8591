//! Logins that keep rooms: which one each room has, and what a move from one login to another changes.

use entity::{room, room_read};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::{MatrixEventId, MatrixRoomId, MatrixUserId, MessageId};
use crate::store::facet::{Database, Rooms};
use crate::store::{StoreError, Tx};

use super::RoomOf;

impl<D: Database> Rooms<'_, D> {
    /// Returns the conversation's room that has this id.
    pub async fn by_id(&self, room: &MatrixRoomId) -> Result<Option<RoomOf>, StoreError> {
        let row = room::Entity::find()
            .filter(room::Column::RoomId.eq(room.as_str()))
            .one(self.0.connection())
            .await?;
        Ok(row.map(RoomOf::from))
    }

    /// Returns the conversation's room that has this alias, or the reservation for it.
    pub async fn by_alias(&self, alias: &str) -> Result<Option<RoomOf>, StoreError> {
        let row = room::Entity::find()
            .filter(room::Column::Alias.eq(alias))
            .one(self.0.connection())
            .await?;
        Ok(row.map(RoomOf::from))
    }

    /// Returns rooms that another login keeps, or is to make, the newest first, at most `limit`, without those in `except`.
    pub async fn kept_by_others(
        &self,
        than: &MatrixUserId,
        except: &[MatrixRoomId],
        limit: u64,
    ) -> Result<Vec<RoomOf>, StoreError> {
        let except = except.iter().map(MatrixRoomId::as_str);
        let is_excepted = Condition::all()
            .add(room::Column::RoomId.is_not_null())
            .add(room::Column::RoomId.is_in(except));
        let rows = room::Entity::find()
            .filter(of_others(than))
            .filter(is_excepted.not())
            .order_by_desc(room::Column::Id)
            .limit(limit)
            .all(self.0.connection())
            .await?;
        Ok(rows.into_iter().map(RoomOf::from).collect())
    }

    /// Returns how many rooms another login keeps, and in how many not both logins have read up to the fence.
    pub async fn count_moving(&self, to: &MatrixUserId) -> Result<(u64, u64), StoreError> {
        use sea_orm::PaginatorTrait as _;
        let connection = self.0.connection();
        let left = room::Entity::find().filter(of_others(to)).count(connection).await?;
        let unread = room::Entity::find().filter(room::Column::Fence.is_not_null());
        Ok((left, unread.count(connection).await?))
    }

    /// Returns whether a message was shown before its room moved to the login that keeps it: nobody else can edit what the
    /// login before has sent.
    pub async fn is_shown_by_former(&self, message: MessageId) -> Result<bool, StoreError> {
        let connection = self.0.connection();
        let Some(shown) = super::event(connection, message, super::FIRST_PART).await? else {
            return Ok(false);
        };
        let row = room::Entity::find()
            .filter(room::Column::ConversationId.eq(shown.conversation_id))
            .one(connection)
            .await?;
        let moved_at = row.and_then(|row| row.moved_at);
        Ok(moved_at.is_some_and(|moved_at| shown.created_at < moved_at))
    }

    /// Returns whether any room exists or is being made.
    pub async fn is_any(&self) -> Result<bool, StoreError> {
        Ok(room::Entity::find().one(self.0.connection()).await?.is_some())
    }
}

/// Returns the condition that a login other than `than` keeps a room, or is to make it.
fn of_others(than: &MatrixUserId) -> Condition {
    let kept = Condition::all()
        .add(room::Column::RoomId.is_not_null())
        .add(room::Column::Keeper.ne(than.as_str()));
    let to_be_made = Condition::all()
        .add(room::Column::RoomId.is_null())
        .add(room::Column::Creator.ne(than.as_str()));
    Condition::any().add(kept).add(to_be_made)
}

impl Rooms<'_, Tx> {
    /// Stores the login that made and keeps the rooms from before this was stored. Returns how many there were.
    pub async fn claim(&self, login: &MatrixUserId) -> Result<u64, StoreError> {
        let made = room::Entity::update_many()
            .col_expr(room::Column::Creator, Expr::value(login.as_str()))
            .filter(room::Column::Creator.is_null())
            .exec(&self.0.session)
            .await?;
        room::Entity::update_many()
            .col_expr(room::Column::Keeper, Expr::value(login.as_str()))
            .filter(room::Column::Keeper.is_null())
            .filter(room::Column::RoomId.is_not_null())
            .exec(&self.0.session)
            .await?;
        Ok(made.rows_affected)
    }

    /// Stores that a login is to make the room of an alias, which the one before has not made.
    pub async fn let_make(&self, alias: &str, login: &MatrixUserId) -> Result<(), StoreError> {
        room::Entity::update_many()
            .col_expr(room::Column::Creator, Expr::value(login.as_str()))
            .filter(room::Column::Alias.eq(alias))
            .filter(room::Column::RoomId.is_null())
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Stores that a login keeps a room from this event on.
    pub async fn keep(
        &self,
        room: &MatrixRoomId,
        keeper: &MatrixUserId,
        from: &MatrixEventId,
    ) -> Result<(), StoreError> {
        let change = room::ActiveModel {
            keeper: Set(Some(keeper.clone())),
            moved_at: Set(Some(self.0.now.0)),
            fence: Set(Some(from.clone())),
            keeper_read: Set(None),
            other_read: Set(None),
            updated_at: Set(self.0.now.0),
            ..room::ActiveModel::default()
        };
        self.change(room, change).await
    }

    /// Stores that a login has read up to the fence of a room. Does nothing for another event than the fence.
    pub async fn read_fence(
        &self,
        room: &MatrixRoomId,
        event: &MatrixEventId,
        is_keeper: bool,
    ) -> Result<(), StoreError> {
        let row = self.by_id(room).await?;
        let Some(fence) = row.and_then(|row| row.fence).filter(|fence| fence.event == *event) else {
            return Ok(());
        };
        let (keeper, other) = (fence.keeper_read || is_keeper, fence.other_read || !is_keeper);
        let is_over = keeper && other;
        let change = room::ActiveModel {
            fence: Set((!is_over).then_some(fence.event)),
            keeper_read: Set((keeper && !is_over).then_some(true)),
            other_read: Set((other && !is_over).then_some(true)),
            ..room::ActiveModel::default()
        };
        self.change(room, change).await
    }

    /// Stores by which room another one is replaced, with the tombstone that says so.
    pub async fn begin_replacing(
        &self,
        room: &MatrixRoomId,
        next: &MatrixRoomId,
        tombstone: &MatrixEventId,
    ) -> Result<(), StoreError> {
        let change = room::ActiveModel {
            next_room: Set(Some(next.clone())),
            fence: Set(Some(tombstone.clone())),
            other_read: Set(None),
            keeper_read: Set(None),
            ..room::ActiveModel::default()
        };
        self.change(room, change).await
    }

    /// Puts the next room, which `keeper` has made, in the place of a room that was read to its end. What the old one shows
    /// stays stored, as gone; how far agents have read goes on.
    pub async fn replace(
        &self,
        row: &RoomOf,
        (room, next): (&MatrixRoomId, &MatrixRoomId),
        keeper: &MatrixUserId,
    ) -> Result<(), StoreError> {
        self.set_gone(row.conversation).await?;
        room_read::Entity::update_many()
            .col_expr(room_read::Column::RoomId, Expr::value(next.as_str()))
            .filter(room_read::Column::RoomId.eq(room.as_str()))
            .exec(&self.0.session)
            .await?;
        let change = room::ActiveModel {
            room_id: Set(Some(next.clone())),
            next_room: Set(None),
            creator: Set(Some(keeper.clone())),
            keeper: Set(Some(keeper.clone())),
            fence: Set(None),
            keeper_read: Set(None),
            other_read: Set(None),
            updated_at: Set(self.0.now.0),
            ..room::ActiveModel::default()
        };
        self.change(room, change).await
    }

    /// Forgets up to where the former login was to read in each room.
    pub async fn forget_fences(&self) -> Result<(), StoreError> {
        let change = room::ActiveModel {
            fence: Set(None),
            keeper_read: Set(None),
            other_read: Set(None),
            ..room::ActiveModel::default()
        };
        room::Entity::update_many()
            .set(change)
            .filter(room::Column::Fence.is_not_null())
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    async fn change(&self, room: &MatrixRoomId, change: room::ActiveModel) -> Result<(), StoreError> {
        room::Entity::update_many()
            .set(change)
            .filter(room::Column::RoomId.eq(room.as_str()))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }
}
