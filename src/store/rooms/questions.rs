//! Questions of the bot's in rooms, until they are answered or given up.

use entity::question;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::message::Seen;
use crate::domain::question::{ANSWERED_WITHIN, Asked, Question};
use crate::domain::{MatrixEventId, MatrixRoomId, MessageId, Timestamp};
use crate::store::database::row::word;
use crate::store::facet::{Database, Questions};
use crate::store::{Store, StoreError, Tx};

impl<D: Database> Questions<'_, D> {
    /// Returns the question with this id, unless it was answered or given up.
    pub async fn get(&self, id: i64) -> Result<Option<Asked>, StoreError> {
        let row = question::Entity::find_by_id(id).one(self.0.connection()).await?;
        row.map(read).transpose()
    }

    /// Returns the question that an event asks.
    pub async fn of_event(&self, event: &MatrixEventId) -> Result<Option<Asked>, StoreError> {
        let row = question::Entity::find()
            .filter(question::Column::EventId.eq(event.as_str()))
            .one(self.0.connection())
            .await?;
        row.map(read).transpose()
    }

    /// Returns the question for whose answer an event waits.
    pub async fn about(&self, event: &MatrixEventId) -> Result<Option<Asked>, StoreError> {
        let row = question::Entity::find()
            .filter(question::Column::About.eq(event.as_str()))
            .one(self.0.connection())
            .await?;
        row.map(read).transpose()
    }
}

impl Questions<'_, Store> {
    /// Returns questions that nobody has answered in time, the oldest first, at most `limit`. What was let go is on its way.
    pub async fn expired(&self, now: Timestamp, limit: u64) -> Result<Vec<Asked>, StoreError> {
        let rows = question::Entity::find()
            .filter(question::Column::ExpiresAt.lte(now.0))
            .filter(question::Column::Allowed.is_null())
            .order_by_asc(question::Column::ExpiresAt)
            .limit(limit)
            .all(self.0.readers())
            .await?;
        rows.into_iter().map(read).collect()
    }
}

impl Questions<'_, Tx> {
    /// Stores a question that is about to be asked, and returns its id. One about the same event is asked no more.
    pub async fn ask(&self, question: &Question) -> Result<i64, StoreError> {
        if let Some(before) = self.about(&question.about).await? {
            self.remove(before.id).await?;
        }
        let row = question::ActiveModel {
            id: NotSet,
            kind: Set(question.kind.to_string()),
            room_id: Set(question.room.clone()),
            about: Set(question.about.clone()),
            author: Set(question.author.clone()),
            content: Set(question.content.clone()),
            event_id: Set(None),
            target: Set(question.late.as_ref().map(|(target, _)| target.clone())),
            emoji: Set(question.late.as_ref().map(|(_, emoji)| emoji.clone())),
            seen: Set(question.seen),
            allowed: Set(None),
            created_at: Set(self.0.now.0),
            expires_at: Set(self.0.now.plus(ANSWERED_WITHIN).0),
        };
        Ok(question::Entity::insert(row)
            .exec(&self.0.session)
            .await?
            .last_insert_id)
    }

    /// Stores the event that asks a question.
    pub async fn set_event(&self, id: i64, event: &MatrixEventId) -> Result<(), StoreError> {
        question::Entity::update_many()
            .col_expr(question::Column::EventId, Expr::value(event.as_str()))
            .filter(question::Column::Id.eq(id))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Stores that its author lets go what waits, past this message and no further.
    pub async fn allow(&self, id: i64, past: MessageId) -> Result<(), StoreError> {
        question::Entity::update_many()
            .col_expr(question::Column::Allowed, Expr::value(past))
            .filter(question::Column::Id.eq(id))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Deletes a question. Returns whether it was there.
    pub async fn remove(&self, id: i64) -> Result<bool, StoreError> {
        let deleted = question::Entity::delete_by_id(id).exec(&self.0.session).await?;
        Ok(deleted.rows_affected > 0)
    }

    /// Returns the questions of a room.
    pub async fn of_room(&self, room: &MatrixRoomId) -> Result<Vec<Asked>, StoreError> {
        let rows = question::Entity::find()
            .filter(question::Column::RoomId.eq(room.as_str()))
            .order_by_asc(question::Column::Id)
            .all(&self.0.session)
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// Deletes the questions of a room that is gone.
    pub async fn remove_in_room(&self, room: &MatrixRoomId) -> Result<(), StoreError> {
        question::Entity::delete_many()
            .filter(question::Column::RoomId.eq(room.as_str()))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }
}

fn read(row: question::Model) -> Result<Asked, StoreError> {
    Ok(Asked {
        id: row.id,
        event: row.event_id,
        allowed: row.allowed.map(|message| Seen {
            message,
            at: Timestamp(row.created_at),
        }),
        expires_at: Timestamp(row.expires_at),
        question: Question {
            kind: word("questions", &row.kind)?,
            room: row.room_id,
            about: row.about,
            author: row.author,
            content: row.content,
            late: row.target.zip(row.emoji),
            seen: row.seen,
        },
    })
}
