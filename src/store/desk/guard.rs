//! Finds messages that were written in a conversation since somebody looked at it.
//!
//! People come to see messages in the order of their ids, whatever the clocks of the senders say. Only one that was for later
//! keeps the id of when it was planned: it comes when it is queued, and that time is of our own clock.

use std::cmp::min;

use entity::message;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::message::{Direction, Kind, Message, MessageState, Origin, Seen};
use crate::domain::{ConversationId, MessageId};
use crate::store::facet::Messages;
use crate::store::messages::read;
use crate::store::{StoreError, Tx};

use super::LATE_FOUND;

impl Messages<'_, Tx> {
    /// Returns what others wrote in a conversation and came after all of `seen`: the customer, and colleagues whose name is
    /// not `author`; the newest first, at most `limit`. History and notices do not count, nor does anything if none of `seen`
    /// is in the conversation.
    pub async fn since(
        &self,
        conversation: ConversationId,
        seen: &[Seen],
        author: &str,
        limit: u64,
    ) -> Result<Vec<Message>, StoreError> {
        let mut places = self.places(seen).await?;
        places.retain(|place| place.conversation == conversation);
        let Some(written) = places.iter().map(|place| place.written).max() else {
            return Ok(vec![]);
        };
        let of_others = message::Column::AuthorName
            .is_null()
            .or(message::Column::AuthorName.ne(author));
        let of_colleagues = Condition::all()
            .add(message::Column::Direction.eq(Direction::Outbound.as_str()))
            .add(of_others)
            .add(message::Column::State.is_not_in(MessageState::FOR_LATER.map(MessageState::as_str)));
        let of_customer = message::Column::Direction.eq(Direction::Inbound.as_str());
        let mut query = message::Entity::find()
            .filter(message::Column::ConversationId.eq(conversation))
            // A message may be found late, but not later than that; so the index bounds what is read.
            .filter(message::Column::SortAt.gte(written.saturating_sub(LATE_FOUND)))
            .filter(message::Column::Kind.ne(Kind::System.as_str()))
            .filter(message::Column::Backfilled.eq(false))
            .filter(Condition::any().add(of_customer).add(of_colleagues));
        for place in &places {
            query = query.filter(place.later());
        }
        let rows = query
            .order_by_desc(message::Column::SortAt)
            .order_by_desc(message::Column::Id)
            .limit(limit)
            .all(&self.0.session)
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// Returns the one of these messages that people came to see last; the first of several that came at once.
    pub async fn newest(&self, seen: &[Seen]) -> Result<Option<Seen>, StoreError> {
        let mut newest: Option<Place> = None;
        for place in self.places(seen).await? {
            if newest.as_ref().is_none_or(|newest| place.is_after(newest)) {
                newest = Some(place);
            }
        }
        Ok(newest.map(|place| place.seen))
    }

    /// Returns the places of messages, in the order given; of those that are stored.
    async fn places(&self, seen: &[Seen]) -> Result<Vec<Place>, StoreError> {
        let rows = message::Entity::find()
            .filter(message::Column::Id.is_in(seen.iter().map(|seen| seen.message)))
            .all(&self.0.session)
            .await?;
        let place = |seen: &Seen| {
            let row = rows.iter().find(|row| row.id == seen.message)?;
            Some(Place::new(*seen, row))
        };
        Ok(seen.iter().filter_map(place).collect())
    }
}

/// Place of a message in the order in which people come to see them. Times are in milliseconds since 1970.
struct Place {
    seen: Seen,
    conversation: ConversationId,
    /// Time at which it was stored.
    stored: i64,
    /// Time at which it was queued, if it was for later.
    queued: Option<i64>,
    /// Time of writing, as its sender names it.
    written: i64,
}

impl Place {
    fn new(seen: Seen, row: &message::Model) -> Self {
        let origin = row.author_origin.as_deref();
        let is_queued_here = row.direction == Direction::Outbound.as_str()
            && origin.is_some_and(|origin| origin != Origin::Phone.as_str());
        let was_for_later = is_queued_here && row.timestamp > row.created_at;
        Self {
            seen,
            conversation: row.conversation_id,
            stored: row.created_at,
            // One that is queued again, because it was held meanwhile, had been seen in its place of before.
            queued: was_for_later.then(|| min(row.timestamp, seen.at.0)),
            written: row.timestamp,
        }
    }

    const fn id(&self) -> MessageId {
        self.seen.message
    }

    /// Returns whether people came to see this message after the other. [`Self::later`] asks the database the same.
    fn is_after(&self, other: &Self) -> bool {
        let is_newer = self.id() > other.id() && other.queued.is_none_or(|queued| self.stored >= queued);
        let at = other.queued.unwrap_or(other.stored);
        is_newer || self.queued.is_some_and(|queued| queued > at)
    }

    /// Returns the condition of messages that people came to see after this one.
    fn later(&self) -> Condition {
        let newer = Condition::all()
            .add(message::Column::Id.gt(self.id()))
            .add_option(self.queued.map(|queued| message::Column::CreatedAt.gte(queued)));
        let timestamp = || Expr::col(message::Column::Timestamp);
        let queued_since = Condition::all()
            .add(message::Column::Direction.eq(Direction::Outbound.as_str()))
            .add(message::Column::AuthorOrigin.ne(Origin::Phone.as_str()))
            .add(timestamp().gt(Expr::col(message::Column::CreatedAt)))
            .add(timestamp().gt(self.queued.unwrap_or(self.stored)))
            .add(message::Column::Id.ne(self.id()));
        Condition::any().add(newer).add(queued_since)
    }
}
