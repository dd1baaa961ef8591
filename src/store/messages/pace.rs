//! What the pace of sending is decided by: who wrote last, who never did, and what waits.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use entity::{conversation, message};

use crate::domain::message::{Direction, Message, MessageState};
use crate::domain::pace::{WaitReason, Waiting};
use crate::domain::{AccountId, ConversationId, CustomerId, MessageId, Timestamp};
use crate::store::{Store, StoreError, Tx};

use super::read;

impl Store {
    /// When the customer last wrote, as far as we hold it. What we wrote ourselves says nothing about what we have heard.
    pub async fn last_heard(&self, conversation: ConversationId) -> Result<Option<Timestamp>, StoreError> {
        last_heard(self.readers(), conversation).await
    }

    /// Whether a text to this conversation would be the first word ever said there (rule 8).
    pub async fn is_first_contact(&self, conversation: ConversationId) -> Result<bool, StoreError> {
        is_first_contact(self.readers(), conversation).await
    }

    /// When an account made its first contacts since `since`, the earliest first.
    pub async fn first_contacts(&self, account: AccountId, since: Timestamp) -> Result<Vec<Timestamp>, StoreError> {
        let times: Vec<Option<i64>> = conversation::Entity::find()
            .select_only()
            .column(conversation::Column::FirstContactAt)
            .filter(conversation::Column::AccountId.eq(account))
            .filter(conversation::Column::FirstContactAt.gt(since.0))
            .order_by_asc(conversation::Column::FirstContactAt)
            .into_tuple()
            .all(self.readers())
            .await?;
        Ok(times.into_iter().flatten().map(Timestamp).collect())
    }

    /// How many first contacts of an account wait that were accepted before this message.
    pub async fn first_contacts_before(&self, account: AccountId, message: MessageId) -> Result<u64, StoreError> {
        let waiting = message::Entity::find()
            .filter(message::Column::AccountId.eq(account))
            .filter(message::Column::State.eq(MessageState::Queued.as_str()))
            .filter(message::Column::WaitReason.eq(WaitReason::FirstContacts.as_str()))
            .filter(message::Column::Id.lt(message));
        Ok(waiting.count(self.readers()).await?)
    }
}

impl Tx {
    /// As [`Store::last_heard`].
    pub async fn last_heard(&mut self, conversation: ConversationId) -> Result<Option<Timestamp>, StoreError> {
        last_heard(&self.session, conversation).await
    }

    /// Notes the moment of a first contact, if it is one. To be called before the text gets its id.
    pub async fn note_first_contact(&mut self, conversation: ConversationId) -> Result<(), StoreError> {
        if is_first_contact(&self.session, conversation).await? {
            conversation::Entity::update_many()
                .col_expr(conversation::Column::FirstContactAt, Expr::value(self.now.0))
                .filter(conversation::Column::Id.eq(conversation))
                .exec(&self.session)
                .await?;
        }
        Ok(())
    }

    /// Notes why and until when a queued message waits; gives it as it then is, or `None` when that is no news.
    pub async fn set_waiting(&mut self, id: MessageId, waiting: Waiting) -> Result<Option<Message>, StoreError> {
        let row = self.need_message(id).await?;
        let known = read(row)?;
        if known.state != MessageState::Queued || known.waiting == Some(waiting) {
            return Ok(None);
        }
        let change = message::ActiveModel {
            wait_reason: Set(Some(waiting.reason.to_string())),
            wait_until: Set(Some(waiting.until.0)),
            ..message::ActiveModel::default()
        };
        self.change_message(id, change).await?;
        self.need_message(id).await.and_then(read).map(Some)
    }

    /// What waits to be sent to a customer, by whatever account.
    pub async fn queued_for(&mut self, customer: CustomerId) -> Result<Vec<Message>, StoreError> {
        let rows = message::Entity::find()
            .filter(message::Column::CustomerId.eq(customer))
            .filter(message::Column::State.eq(MessageState::Queued.as_str()))
            .order_by_asc(message::Column::Id)
            .all(&self.session)
            .await?;
        rows.into_iter().map(read).collect()
    }
}

async fn last_heard(
    database: &impl ConnectionTrait,
    conversation: ConversationId,
) -> Result<Option<Timestamp>, StoreError> {
    let row = message::Entity::find()
        .filter(message::Column::ConversationId.eq(conversation))
        .filter(message::Column::Direction.eq(Direction::Inbound.as_str()))
        .order_by_desc(message::Column::SortAt)
        .one(database)
        .await?;
    Ok(row.map(|row| Timestamp(row.timestamp)))
}

async fn is_first_contact(database: &impl ConnectionTrait, conversation: ConversationId) -> Result<bool, StoreError> {
    let met = message::Column::Direction
        .eq(Direction::Inbound.as_str())
        .or(message::Column::WhatsappId.is_not_null());
    let first = message::Entity::find()
        .filter(message::Column::ConversationId.eq(conversation))
        .filter(met)
        .one(database)
        .await?;
    Ok(first.is_none())
}
