//! Facts that decide the pace of sending: the customer's last message, first contacts, and waiting messages.

use entity::{conversation, message};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::message::{Direction, Kind, Message, MessageState};
use crate::domain::pacing::{WaitReason, Waiting};
use crate::domain::{AccountId, ConversationId, CustomerId, MessageId, Timestamp};
use crate::store::facet::{Database, Pace};
use crate::store::{Store, StoreError, Tx};

use super::read;

impl<D: Database> Pace<'_, D> {
    /// Returns when the customer last wrote, as far as it is stored. Our own messages do not count, nor do WhatsApp's notices.
    pub async fn last_heard(&self, conversation: ConversationId) -> Result<Option<Timestamp>, StoreError> {
        last_heard(self.0.connection(), conversation).await
    }
}

impl Pace<'_, Store> {
    /// Returns whether a text to this conversation would be a first contact: nobody has written there before (rule 8).
    pub async fn is_first_contact(&self, conversation: ConversationId) -> Result<bool, StoreError> {
        is_first_contact(self.0.readers(), conversation).await
    }

    /// Returns the times of an account's first contacts after `since`, earliest first.
    pub async fn first_contacts(&self, account: AccountId, since: Timestamp) -> Result<Vec<Timestamp>, StoreError> {
        let times: Vec<Option<i64>> = conversation::Entity::find()
            .select_only()
            .column(conversation::Column::FirstContactAt)
            .filter(conversation::Column::AccountId.eq(account))
            .filter(conversation::Column::FirstContactAt.gt(since.0))
            .order_by_asc(conversation::Column::FirstContactAt)
            .into_tuple()
            .all(self.0.readers())
            .await?;
        Ok(times.into_iter().flatten().map(Timestamp).collect())
    }

    /// Returns how many first contacts of an account are waiting that were accepted before this message.
    pub async fn first_contacts_before(&self, account: AccountId, message: MessageId) -> Result<u64, StoreError> {
        let waiting = message::Entity::find()
            .filter(message::Column::AccountId.eq(account))
            .filter(message::Column::State.eq(MessageState::Queued.as_str()))
            .filter(message::Column::WaitReason.eq(WaitReason::FirstContacts.as_str()))
            .filter(message::Column::Id.lt(message));
        Ok(waiting.count(self.0.readers()).await?)
    }
}

impl Pace<'_, Tx> {
    /// Records the time of a first contact, if this is one. Call it before the text gets its stanza id.
    pub async fn note_first_contact(&self, conversation: ConversationId) -> Result<(), StoreError> {
        if is_first_contact(&self.0.session, conversation).await? {
            conversation::Entity::update_many()
                .col_expr(conversation::Column::FirstContactAt, Expr::value(self.0.now.0))
                .filter(conversation::Column::Id.eq(conversation))
                .exec(&self.0.session)
                .await?;
        }
        Ok(())
    }

    /// Dates first contacts now that are dated after `latest`, by a clock that was wrong.
    pub async fn recall(&self, latest: Timestamp) -> Result<(), StoreError> {
        for account in self.0.accounts().present().await? {
            conversation::Entity::update_many()
                .col_expr(conversation::Column::FirstContactAt, Expr::value(self.0.now.0))
                .filter(conversation::Column::AccountId.eq(account.id))
                .filter(conversation::Column::FirstContactAt.gt(latest.0))
                .exec(&self.0.session)
                .await?;
        }
        Ok(())
    }

    /// Stores why and until when a queued message waits. Returns the changed message, or `None` when nothing changed.
    pub async fn set_waiting(&self, id: MessageId, waiting: Waiting) -> Result<Option<Message>, StoreError> {
        let known = self.0.messages().lock(id).await?;
        let known = known.ok_or(StoreError::Missing { what: "message" })?;
        if known.state != MessageState::Queued || known.waiting == Some(waiting) {
            return Ok(None);
        }
        let change = message::ActiveModel {
            wait_reason: Set(Some(waiting.reason.to_string())),
            wait_until: Set(Some(waiting.until.0)),
            ..message::ActiveModel::default()
        };
        self.0.messages().change(id, change).await?;
        self.0.messages().need(id).await.and_then(read).map(Some)
    }

    /// Returns the messages for a customer that are queued or for later, in all accounts.
    pub async fn queued_for(&self, customer: CustomerId) -> Result<Vec<Message>, StoreError> {
        let rows = message::Entity::find()
            .filter(message::Column::CustomerId.eq(customer))
            .filter(message::Column::State.is_in(NOT_HANDED_OVER.map(MessageState::as_str)))
            .order_by_asc(message::Column::Id)
            .all(&self.0.session)
            .await?;
        rows.into_iter().map(read).collect()
    }
}

/// States of a message that WhatsApp does not have yet.
pub(in crate::store) const NOT_HANDED_OVER: [MessageState; 3] =
    [MessageState::Scheduled, MessageState::Held, MessageState::Queued];

async fn last_heard(
    database: &impl ConnectionTrait,
    conversation: ConversationId,
) -> Result<Option<Timestamp>, StoreError> {
    let row = message::Entity::find()
        .filter(message::Column::ConversationId.eq(conversation))
        .filter(message::Column::Direction.eq(Direction::Inbound.as_str()))
        // A notice of WhatsApp is inbound, and nobody wrote it.
        .filter(message::Column::Kind.ne(Kind::System.as_str()))
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
        .filter(message::Column::Kind.ne(Kind::System.as_str()))
        .filter(met)
        .one(database)
        .await?;
    Ok(first.is_none())
}
