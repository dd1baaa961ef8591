//! Moving messages between conversations. Each keeps its home.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use entity::{conversation, message, outbox};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, Func};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::conversation::Conversation;
use crate::domain::message::{Direction, Kind, MessageState};
use crate::domain::outbox::{Target, WhatsAppWork};
use crate::domain::{ChatId, ConversationId, CustomerId, MessageId, OutboxId, WaMessageId, WaUserId};
use crate::store::database::bounds::{MAX_CHAIN, MAX_NAMED};
use crate::store::database::row::from_json;
use crate::store::facet::Merges;
use crate::store::{StoreError, Tx, conversations};

/// Selects messages by their home: the customer to whom they belong if no merge is counted.
#[derive(Clone, Debug)]
pub(in crate::store) enum Home {
    /// All messages.
    Any,
    /// Messages of one of these customers.
    In(BTreeSet<CustomerId>),
    /// Messages of none of these customers.
    NotIn(BTreeSet<CustomerId>),
}

impl Home {
    /// Returns the condition on a message's home. A message without a home belongs to its customer.
    pub(super) fn condition(&self) -> Condition {
        let home = || {
            Func::coalesce([
                Expr::col(message::Column::HomeId),
                Expr::col(message::Column::CustomerId),
            ])
        };
        match self {
            Self::Any => Condition::all(),
            Self::In(customers) => Condition::all().add(Expr::expr(home()).is_in(ids(customers))),
            Self::NotIn(customers) => Condition::all().add(Expr::expr(home()).is_not_in(ids(customers))),
        }
    }
}

fn ids(customers: &BTreeSet<CustomerId>) -> Vec<i64> {
    customers.iter().map(|id| id.0).collect()
}

/// Fields that make a message unique in its conversation.
type Key = (Option<WaMessageId>, bool, WaUserId);

impl Merges<'_, Tx> {
    /// Moves messages to a customer's conversation and returns how many. A message that is already there is not moved:
    /// it stays behind, and shows again when the merge is undone.
    pub(super) async fn gather(
        &self,
        from: ConversationId,
        to: ConversationId,
        customer: CustomerId,
        home: &Home,
    ) -> Result<u64, StoreError> {
        let stays = self.doubles(from, to).await?;
        let all = Condition::all()
            .add(message::Column::ConversationId.eq(from))
            .add(home.condition());
        let moved = if stays.is_empty() {
            self.move_messages(all, Some(to), customer).await?
        } else {
            let wanted: Vec<MessageId> = message::Entity::find()
                .select_only()
                .column(message::Column::Id)
                .filter(all)
                .into_tuple()
                .all(&self.0.session)
                .await?;
            let wanted: Vec<MessageId> = wanted.into_iter().filter(|id| !stays.contains(id)).collect();
            let mut moved = 0;
            for some in wanted.chunks(MAX_NAMED) {
                let some = Condition::all().add(message::Column::Id.is_in(some.iter().copied()));
                moved += self.move_messages(some, Some(to), customer).await?;
            }
            moved
        };
        self.move_work(from, to).await?;
        self.0.scheduled().follow_messages(from).await?;
        Ok(moved)
    }

    /// Moves what was stored in a conversation, while another process merged it, to the one in which it goes on. Returns that
    /// one, locked.
    pub async fn follow(&self, ended: ConversationId) -> Result<Conversation, StoreError> {
        let live = self.lock_live(ended).await?;
        let customer = live.customer_id.ok_or(StoreError::Missing { what: "customer" })?;
        self.gather(ended, live.id, customer, &Home::Any).await?;
        self.recount(live.id).await?;
        self.0.conversations().need(live.id).await.and_then(conversations::read)
    }

    /// Moves a message that was just stored to the conversation in which it belongs by now, because another process has given
    /// a conversation to another customer meanwhile. A group has no customer, and nobody gives it on.
    pub async fn put_right(&self, message: MessageId, there: &Conversation) -> Result<(), StoreError> {
        let Some(customer) = there.customer_id else {
            return Ok(());
        };
        let this = Condition::all().add(message::Column::Id.eq(message));
        self.move_messages(this, Some(there.id), customer).await.map(drop)
    }

    /// Returns the conversation in which one goes on that has ended, locked.
    async fn lock_live(&self, ended: ConversationId) -> Result<Conversation, StoreError> {
        let missing = || StoreError::Missing { what: "conversation" };
        for _ in 0..MAX_CHAIN {
            let live = self.0.conversations().live(ended).await?.ok_or_else(missing)?;
            let locked = self.0.conversations().lock(live.id).await?.ok_or_else(missing)?;
            // Another process may have merged it as well while the lock was waited for.
            if locked.merged_into.is_none() {
                return Ok(locked);
            }
        }
        Err(StoreError::Busy(format!(
            "conversation {ended} is merged again and again by others"
        )))
    }

    /// Stores whose some of a conversation's messages are if no merge is counted.
    pub(super) async fn set_home(
        &self,
        id: ConversationId,
        home: CustomerId,
        which: Condition,
    ) -> Result<(), StoreError> {
        let change = message::ActiveModel {
            home_id: Set(Some(home)),
            ..message::ActiveModel::default()
        };
        message::Entity::update_many()
            .set(change)
            .filter(message::Column::ConversationId.eq(id))
            .filter(which)
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Gives messages to a customer, and moves them to a conversation if one is given. Stores their first customer as
    /// their home.
    pub(super) async fn move_messages(
        &self,
        which: Condition,
        to: Option<ConversationId>,
        customer: CustomerId,
    ) -> Result<u64, StoreError> {
        let home = Func::coalesce([
            Expr::col(message::Column::HomeId),
            Expr::col(message::Column::CustomerId),
        ]);
        let mut update = message::Entity::update_many()
            .col_expr(message::Column::HomeId, home.into())
            .filter(which.clone());
        update = update.filter(message::Column::HomeId.is_null());
        update.exec(&self.0.session).await?;
        let mut change = message::ActiveModel {
            customer_id: Set(Some(customer)),
            ..message::ActiveModel::default()
        };
        if let Some(to) = to {
            change.conversation_id = Set(to);
        }
        let moved = message::Entity::update_many()
            .set(change)
            .filter(which)
            .exec(&self.0.session)
            .await?;
        Ok(moved.rows_affected)
    }

    /// Returns the messages of `from` that are in `to` as well.
    async fn doubles(&self, from: ConversationId, to: ConversationId) -> Result<HashSet<MessageId>, StoreError> {
        let here = self.keys(from).await?;
        if here.is_empty() {
            return Ok(HashSet::new());
        }
        let there: HashSet<Key> = self.keys(to).await?.into_iter().map(|(_, key)| key).collect();
        Ok(here
            .into_iter()
            .filter(|(_, key)| there.contains(key))
            .map(|(id, _)| id)
            .collect())
    }

    async fn keys(&self, of: ConversationId) -> Result<Vec<(MessageId, Key)>, StoreError> {
        let rows: Vec<(MessageId, Option<WaMessageId>, bool, WaUserId)> = message::Entity::find()
            .select_only()
            .column(message::Column::Id)
            .column(message::Column::WhatsappId)
            .column(message::Column::FromMe)
            .column(message::Column::Sender)
            .filter(message::Column::ConversationId.eq(of))
            .filter(message::Column::WhatsappId.is_not_null())
            .into_tuple()
            .all(&self.0.session)
            .await?;
        let key = |(id, whatsapp_id, from_me, sender)| (id, (whatsapp_id, from_me, sender));
        Ok(rows.into_iter().map(key).collect())
    }

    /// Moves the outbox rows to the lane of their message's new conversation. Rows about no message stay.
    ///
    /// A change of a message (an edit, say) moves too, although its row names no message, so that it outlives the message's
    /// other rows: in a lane of its own it would overtake the message and fail, or be overtaken by the next change.
    async fn move_work(&self, from: ConversationId, to: ConversationId) -> Result<(), StoreError> {
        let waiting = self.waiting_in(from).await?;
        let mut about: BTreeMap<MessageId, ConversationId> = BTreeMap::new();
        for some in waiting.chunks(MAX_NAMED) {
            let messages = some.iter().filter_map(|(_, message)| *message);
            let rows: Vec<(MessageId, ConversationId)> = message::Entity::find()
                .select_only()
                .column(message::Column::Id)
                .column(message::Column::ConversationId)
                .filter(message::Column::Id.is_in(messages))
                .into_tuple()
                .all(&self.0.session)
                .await?;
            about.extend(rows);
        }
        let goes = waiting
            .into_iter()
            .filter(|(_, message)| message.is_some_and(|id| about.get(&id) == Some(&to)))
            .map(|(id, _)| id);
        let goes: Vec<_> = goes.collect();
        for some in goes.chunks(MAX_NAMED) {
            outbox::Entity::update_many()
                .col_expr(outbox::Column::Lane, Expr::value(to))
                .filter(outbox::Column::Id.is_in(some.iter().copied()))
                .exec(&self.0.session)
                .await?;
        }
        Ok(())
    }

    /// Returns the outbox rows in the lane of a conversation, each with the message that it is about.
    async fn waiting_in(&self, lane: ConversationId) -> Result<Vec<(OutboxId, Option<MessageId>)>, StoreError> {
        let account = self.0.conversations().need(lane).await?.account_id;
        let rows = |target: Target| {
            outbox::Entity::find()
                .select_only()
                .column(outbox::Column::Id)
                .column(outbox::Column::MessageId)
                .filter(outbox::Column::Target.eq(target.as_str()))
                .filter(outbox::Column::AccountId.eq(account))
                .filter(outbox::Column::Lane.eq(lane))
        };
        let mut waiting: Vec<(OutboxId, Option<MessageId>)> =
            rows(Target::Matrix).into_tuple().all(&self.0.session).await?;
        let for_whatsapp: Vec<(OutboxId, Option<MessageId>, String)> = rows(Target::WhatsApp)
            .column(outbox::Column::Work)
            .into_tuple()
            .all(&self.0.session)
            .await?;
        for (id, message, work) in for_whatsapp {
            // Work that another version wrote stops no merge.
            let work: Option<WhatsAppWork> = from_json("outbox", &work).ok();
            waiting.push((id, work.map_or(message, |work| Some(work.message()))));
        }
        Ok(waiting)
    }

    /// Computes the last message of a conversation again, and the time by which lists sort it.
    pub(in crate::store) async fn recount(&self, id: ConversationId) -> Result<(), StoreError> {
        let last = message::Entity::find()
            .filter(message::Column::ConversationId.eq(id))
            .filter(message::Column::State.is_not_in(MessageState::FOR_LATER.map(MessageState::as_str)))
            .order_by_desc(message::Column::SortAt)
            .order_by_desc(message::Column::Id)
            .one(&self.0.session)
            .await?;
        let created = self.0.conversations().need(id).await?.created_at;
        let change = conversation::ActiveModel {
            last_message_id: Set(last.as_ref().map(|last| last.id)),
            last_message_at: Set(last.as_ref().map(|last| last.timestamp)),
            active_at: Set(last.map_or(created, |last| last.timestamp)),
            ..conversation::ActiveModel::default()
        };
        self.0.conversations().change(id, change).await
    }

    /// Returns how many of a conversation's unread messages (its last `unread` inbound ones) have one of these homes.
    pub(super) async fn unread_of(
        &self,
        id: ConversationId,
        unread: i64,
        home: &BTreeSet<CustomerId>,
    ) -> Result<i64, StoreError> {
        let rows = message::Entity::find()
            .filter(message::Column::ConversationId.eq(id))
            .filter(message::Column::Direction.eq(Direction::Inbound.as_str()))
            .filter(message::Column::Kind.ne(Kind::System.as_str()))
            .filter(message::Column::Backfilled.eq(false))
            .order_by_desc(message::Column::Id)
            .limit(u64::try_from(unread).unwrap_or(0))
            .all(&self.0.session)
            .await?;
        let theirs = rows
            .iter()
            .filter(|row| row.home_id.or(row.customer_id).is_some_and(|id| home.contains(&id)));
        Ok(i64::try_from(theirs.count()).unwrap_or(i64::MAX))
    }

    /// Returns the chats in which inbound messages of these homes came.
    pub(super) async fn chats_of(&self, id: ConversationId, home: &Home) -> Result<BTreeSet<ChatId>, StoreError> {
        let chats: Vec<Option<ChatId>> = message::Entity::find()
            .select_only()
            .column(message::Column::ChatId)
            .distinct()
            .filter(message::Column::ConversationId.eq(id))
            .filter(message::Column::Direction.eq(Direction::Inbound.as_str()))
            .filter(home.condition())
            .into_tuple()
            .all(&self.0.session)
            .await?;
        Ok(chats.into_iter().flatten().collect())
    }

    /// Returns the chat of the newest message that has one.
    pub(super) async fn newest_chat(&self, id: ConversationId) -> Result<Option<ChatId>, StoreError> {
        let row = message::Entity::find()
            .filter(message::Column::ConversationId.eq(id))
            .filter(message::Column::ChatId.is_not_null())
            .order_by_desc(message::Column::Id)
            .one(&self.0.session)
            .await?;
        Ok(row.and_then(|row| row.chat_id))
    }
}
