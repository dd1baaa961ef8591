//! Messages that wait for their time, or for a person. A row is there until its message is handed over or given up.

use entity::{conversation, message, scheduled_send};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::message::{Direction, Kind, Message};
use crate::domain::schedule::Stage;
use crate::domain::{AccountId, ConversationId, MessageId, Timestamp};
use crate::store::database::row::word;
use crate::store::facet::{Database, Scheduled};
use crate::store::{Store, StoreError, Tx};

use super::LATE_FOUND;

/// Where a message for later stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduledSend {
    /// The message.
    pub message: MessageId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// How far it is.
    pub stage: Stage,
    /// Time at which it is to be sent.
    pub send_at: Timestamp,
    /// Newest message when a person last decided about it.
    pub seen_up_to: MessageId,
}

impl<D: Database> Scheduled<'_, D> {
    /// Returns where a message for later stands; `None` for other messages.
    pub async fn of(&self, message: MessageId) -> Result<Option<ScheduledSend>, StoreError> {
        let row = scheduled_send::Entity::find()
            .filter(scheduled_send::Column::MessageId.eq(message))
            .one(self.0.connection())
            .await?;
        row.as_ref().map(read).transpose()
    }
}

/// Returns the condition for an account's messages for later whose time has come at `now`.
pub(in crate::store) fn is_due(account: AccountId, now: Timestamp) -> Condition {
    Condition::all()
        .add(scheduled_send::Column::AccountId.eq(account))
        .add(scheduled_send::Column::Stage.eq(Stage::Scheduled.as_str()))
        .add(scheduled_send::Column::SendAt.lte(now.0))
}

impl Scheduled<'_, Store> {
    /// Returns the messages of an account whose time has come at `now`, the earliest first, at most `limit`.
    pub async fn due(&self, account: AccountId, now: Timestamp, limit: u64) -> Result<Vec<ScheduledSend>, StoreError> {
        let rows = scheduled_send::Entity::find()
            .filter(is_due(account, now))
            .order_by_asc(scheduled_send::Column::SendAt)
            .order_by_asc(scheduled_send::Column::Id)
            .limit(limit)
            .all(self.0.readers())
            .await?;
        rows.iter().map(read).collect()
    }
}

impl Scheduled<'_, Tx> {
    /// Stores that a message waits for `send_at`.
    pub async fn add(&self, message: &Message, send_at: Timestamp) -> Result<(), StoreError> {
        let row = scheduled_send::ActiveModel {
            id: NotSet,
            message_id: Set(message.id),
            account_id: Set(message.account_id),
            conversation_id: Set(message.conversation_id),
            stage: Set(Stage::Scheduled.to_string()),
            send_at: Set(send_at.0),
            seen_up_to: Set(message.id),
            created_at: Set(self.0.now.0),
        };
        scheduled_send::Entity::insert(row).exec(&self.0.session).await?;
        self.recount(message.conversation_id).await
    }

    /// Sets how far a message is, and when it is to be sent.
    pub async fn set(&self, message: MessageId, stage: Stage, send_at: Timestamp) -> Result<(), StoreError> {
        let change = scheduled_send::ActiveModel {
            stage: Set(stage.to_string()),
            send_at: Set(send_at.0),
            ..scheduled_send::ActiveModel::default()
        };
        scheduled_send::Entity::update_many()
            .set(change)
            .filter(scheduled_send::Column::MessageId.eq(message))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Sets that a person has decided about a message now: what the customer wrote before does not hold it.
    pub async fn decided(&self, message: MessageId) -> Result<(), StoreError> {
        let newest = message::Entity::find()
            .select_only()
            .column(message::Column::Id)
            .filter(message::Column::Id.gte(message))
            .order_by_desc(message::Column::Id)
            .limit(1)
            .into_tuple::<MessageId>()
            .one(&self.0.session)
            .await?;
        let change = scheduled_send::ActiveModel {
            seen_up_to: Set(newest.unwrap_or(message)),
            ..scheduled_send::ActiveModel::default()
        };
        scheduled_send::Entity::update_many()
            .set(change)
            .filter(scheduled_send::Column::MessageId.eq(message))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Forgets that a message was for later. Returns whether it was.
    pub async fn remove(&self, message: &Message) -> Result<bool, StoreError> {
        let deleted = scheduled_send::Entity::delete_many()
            .filter(scheduled_send::Column::MessageId.eq(message.id))
            .exec(&self.0.session)
            .await?;
        if deleted.rows_affected == 0 {
            return Ok(false);
        }
        self.recount(message.conversation_id).await?;
        Ok(true)
    }

    /// Returns the messages of a conversation that are for later and not held, the earliest first.
    pub async fn of_conversation(&self, id: ConversationId) -> Result<Vec<ScheduledSend>, StoreError> {
        let rows = scheduled_send::Entity::find()
            .filter(scheduled_send::Column::ConversationId.eq(id))
            .filter(scheduled_send::Column::Stage.ne(Stage::Held.as_str()))
            .order_by_asc(scheduled_send::Column::SendAt)
            .order_by_asc(scheduled_send::Column::Id)
            .all(&self.0.session)
            .await?;
        rows.iter().map(read).collect()
    }

    /// Returns the messages of a conversation that wait for their time or for a person, the earliest first.
    pub async fn waiting_in(&self, id: ConversationId) -> Result<Vec<ScheduledSend>, StoreError> {
        let rows = scheduled_send::Entity::find()
            .filter(scheduled_send::Column::ConversationId.eq(id))
            .filter(scheduled_send::Column::Stage.ne(Stage::Due.as_str()))
            .order_by_asc(scheduled_send::Column::SendAt)
            .order_by_asc(scheduled_send::Column::Id)
            .all(&self.0.session)
            .await?;
        rows.iter().map(read).collect()
    }

    /// Returns whether the customer has written something in the message's conversation since a person decided about it.
    pub async fn is_overtaken(&self, of: &Message, planned: &ScheduledSend) -> Result<bool, StoreError> {
        let newer = message::Entity::find()
            .select_only()
            .column(message::Column::Id)
            .filter(message::Column::ConversationId.eq(of.conversation_id))
            .filter(message::Column::SortAt.gte(of.timestamp.0 - LATE_FOUND))
            .filter(message::Column::Id.gt(planned.seen_up_to))
            .filter(message::Column::Direction.eq(Direction::Inbound.as_str()))
            .filter(message::Column::Kind.ne(Kind::System.as_str()))
            .filter(message::Column::Backfilled.eq(false))
            .limit(1)
            .into_tuple::<MessageId>()
            .one(&self.0.session)
            .await?;
        Ok(newer.is_some())
    }

    /// Moves the rows of a conversation's messages that a merge has moved.
    pub(in crate::store) async fn follow_messages(&self, from: ConversationId) -> Result<(), StoreError> {
        let rows = scheduled_send::Entity::find()
            .filter(scheduled_send::Column::ConversationId.eq(from))
            .all(&self.0.session)
            .await?;
        for row in rows {
            let there = self.0.messages().need(row.message_id).await?.conversation_id;
            if there == from {
                continue;
            }
            let change = scheduled_send::ActiveModel {
                conversation_id: Set(there),
                ..scheduled_send::ActiveModel::default()
            };
            scheduled_send::Entity::update_many()
                .set(change)
                .filter(scheduled_send::Column::Id.eq(row.id))
                .exec(&self.0.session)
                .await?;
            self.recount(there).await?;
        }
        self.recount(from).await
    }

    /// Counts the messages for later of a conversation again.
    async fn recount(&self, id: ConversationId) -> Result<(), StoreError> {
        let count = Query::select()
            .expr(Expr::col(scheduled_send::Column::Id).count())
            .from(scheduled_send::Entity)
            .and_where(scheduled_send::Column::ConversationId.eq(id))
            .take();
        conversation::Entity::update_many()
            .col_expr(
                conversation::Column::ScheduledCount,
                Expr::SubQuery(None, Box::new(count.into())),
            )
            .filter(conversation::Column::Id.eq(id))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }
}

fn read(row: &scheduled_send::Model) -> Result<ScheduledSend, StoreError> {
    Ok(ScheduledSend {
        message: row.message_id,
        conversation: row.conversation_id,
        stage: word("scheduled_sends", &row.stage)?,
        send_at: Timestamp(row.send_at),
        seen_up_to: row.seen_up_to,
    })
}
