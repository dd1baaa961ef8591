//! Cards of rooms: what each shows, and the work that brings it up to date.

use entity::card;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::domain::card::Card;
use crate::domain::outbox::MatrixWork;
use crate::domain::{AccountId, ConversationId, MatrixEventId, MatrixRoomId, OutboxId, Timestamp};
use crate::store::facet::{Cards, Database};
use crate::store::{NewWork, StoreError, Tx};

impl<D: Database> Cards<'_, D> {
    /// Returns the card of a room.
    pub async fn of_room(&self, room: &MatrixRoomId) -> Result<Option<Card>, StoreError> {
        Ok(self.row(room).await?.map(read))
    }

    async fn row(&self, room: &MatrixRoomId) -> Result<Option<card::Model>, StoreError> {
        let row = card::Entity::find()
            .filter(card::Column::RoomId.eq(room.as_str()))
            .one(self.0.connection())
            .await?;
        Ok(row)
    }
}

impl Cards<'_, Tx> {
    /// Queues that the card of a conversation's room is brought up to date, at once or as soon as it may change again. Does
    /// nothing without a room, and if that is queued already.
    pub async fn ask(&self, account: AccountId, conversation: ConversationId) -> Result<(), StoreError> {
        let room = self.0.rooms().of_conversation(conversation).await?;
        let Some(room) = room.and_then(|room| room.room) else {
            return Ok(());
        };
        let row = match self.row(&room).await? {
            Some(row) => row,
            None => self.insert(&room).await?,
        };
        if let Some(work) = row.work_id
            && self.0.outbox().get(work).await?.is_some()
        {
            return Ok(());
        }
        let id = row.id;
        let at = read(row).next_at(self.0.now);
        let work = NewWork::for_account(account, MatrixWork::Card { room }).at(at);
        let work = self.0.outbox().enqueue(work).await?;
        self.set_work(id, Some(work)).await
    }

    async fn insert(&self, room: &MatrixRoomId) -> Result<card::Model, StoreError> {
        let row = card::ActiveModel {
            id: NotSet,
            room_id: Set(room.clone()),
            event_id: Set(None),
            hash: Set(String::new()),
            turn: Set(0),
            is_shown: Set(true),
            shown_at: Set(None),
            work_id: Set(None),
            created_at: Set(self.0.now.0),
        };
        card::Entity::insert(row).exec(&self.0.session).await?;
        self.row(room).await?.ok_or(StoreError::Missing { what: "card" })
    }

    async fn set_work(&self, id: i64, work: Option<OutboxId>) -> Result<(), StoreError> {
        card::Entity::update_many()
            .col_expr(card::Column::WorkId, Expr::value(work))
            .filter(card::Column::Id.eq(id))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Stores that a card is about to say something else, before it is sent.
    pub async fn begin(&self, card: &Card) -> Result<(), StoreError> {
        card::Entity::update_many()
            .col_expr(card::Column::Hash, Expr::value(card.hash.as_str()))
            .col_expr(card::Column::Turn, Expr::value(card.turn))
            .col_expr(card::Column::IsShown, Expr::value(false))
            .filter(card::Column::Id.eq(card.id))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Stores that the room shows what a card was about to say, as this event or as an edit of it.
    pub async fn shown(&self, id: i64, event: &MatrixEventId) -> Result<(), StoreError> {
        card::Entity::update_many()
            .col_expr(card::Column::EventId, Expr::value(event.as_str()))
            .col_expr(card::Column::IsShown, Expr::value(true))
            .col_expr(card::Column::ShownAt, Expr::value(self.0.now.0))
            .filter(card::Column::Id.eq(id))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Stores that the work for a card is done: the next change queues other work.
    pub async fn rest(&self, id: i64) -> Result<(), StoreError> {
        self.set_work(id, None).await
    }

    /// Forgets the event of a card, if an event is one: somebody has removed it. Returns whether it was.
    pub async fn lose(&self, event: &MatrixEventId) -> Result<bool, StoreError> {
        let updated = card::Entity::update_many()
            .col_expr(card::Column::EventId, Expr::value(Option::<String>::None))
            .col_expr(card::Column::Hash, Expr::value(""))
            .col_expr(card::Column::IsShown, Expr::value(true))
            .filter(card::Column::EventId.eq(event.as_str()))
            .exec(&self.0.session)
            .await?;
        Ok(updated.rows_affected > 0)
    }

    /// Deletes the card of a room that is gone.
    pub async fn remove_in_room(&self, room: &MatrixRoomId) -> Result<(), StoreError> {
        card::Entity::delete_many()
            .filter(card::Column::RoomId.eq(room.as_str()))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }
}

fn read(row: card::Model) -> Card {
    Card {
        id: row.id,
        room: row.room_id,
        event: row.event_id,
        hash: row.hash,
        turn: row.turn,
        is_shown: row.is_shown,
        shown_at: row.shown_at.map(Timestamp),
    }
}
