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
    /// is not `author`; the newest first, at most `limit`. History, notices and messages for later do not count.
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
        let rows = message::Entity::find()
            .filter(message::Column::ConversationId.eq(conversation))
            // A message may be found late, but not later than that; so the index bounds what is read.
            .filter(message::Column::SortAt.gte(seen.timestamp.0.saturating_sub(LATE_FOUND)))
            .filter(message::Column::Id.gt(seen.id))
            .filter(message::Column::Kind.ne(Kind::System.as_str()))
            .filter(message::Column::Backfilled.eq(false))
            .filter(Condition::any().add(of_customer).add(of_colleagues))
            .order_by_desc(message::Column::SortAt)
            .order_by_desc(message::Column::Id)
            .limit(limit)
            .all(&self.0.session)
            .await?;
        rows.into_iter().map(read).collect()
    }
}
