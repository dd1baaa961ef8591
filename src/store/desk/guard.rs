//! Finds messages that were written in a conversation since somebody looked at it.

use entity::message;
use sea_orm::sea_query::ExprTrait as _;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::ConversationId;
use crate::domain::message::{Direction, Kind, Message, MessageState};
use crate::store::facet::Messages;
use crate::store::messages::read;
use crate::store::{StoreError, Tx};

use super::LATE_FOUND;

impl Messages<'_, Tx> {
    /// Returns what others wrote in a conversation and was stored after `seen`: the customer, and colleagues whose name
    /// is not `author`; the newest first, at most `limit`. A message for later counts from when it was queued; history and
    /// notices do not count.
    pub async fn since(
        &self,
        conversation: ConversationId,
        seen: &Message,
        author: &str,
        limit: u64,
    ) -> Result<Vec<Message>, StoreError> {
        let of_others = message::Column::AuthorName
            .is_null()
            .or(message::Column::AuthorName.ne(author));
        let of_colleagues = Condition::all()
            .add(message::Column::Direction.eq(Direction::Outbound.as_str()))
            .add(of_others)
            .add(message::Column::State.is_not_in(MessageState::FOR_LATER.map(MessageState::as_str)));
        let of_customer = message::Column::Direction.eq(Direction::Inbound.as_str());
        let newer = Condition::all()
            .add(message::Column::Id.gt(seen.id))
            .add(Condition::any().add(of_customer).add(of_colleagues.clone()));
        // One that was released, or came due, kept its id.
        let queued_since = of_colleagues
            .add(message::Column::Id.lt(seen.id))
            .add(message::Column::SortAt.gt(self.stored_at(seen).await?));
        let rows = message::Entity::find()
            .filter(message::Column::ConversationId.eq(conversation))
            // A message may be found late, but not later than that; so the index bounds what is read.
            .filter(message::Column::SortAt.gte(seen.timestamp.0.saturating_sub(LATE_FOUND)))
            .filter(message::Column::Kind.ne(Kind::System.as_str()))
            .filter(message::Column::Backfilled.eq(false))
            .filter(Condition::any().add(newer).add(queued_since))
            .order_by_desc(message::Column::SortAt)
            .order_by_desc(message::Column::Id)
            .limit(limit)
            .all(&self.0.session)
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// Returns when a message was stored, in milliseconds since 1970: the times that senders name are of other clocks.
    async fn stored_at(&self, message: &Message) -> Result<i64, StoreError> {
        let stored = message::Entity::find_by_id(message.id)
            .select_only()
            .column(message::Column::CreatedAt)
            .into_tuple();
        let stored = stored.one(&self.0.session).await?;
        Ok(stored.unwrap_or(message.timestamp.0))
    }
}
