//! Making two of one conversation again.

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};

use entity::{conversation, message};

use crate::domain::message::Direction;
use crate::domain::{ChatId, ConversationId, CustomerId};
use crate::store::bounds::{MAX_CHAIN, MAX_NAMED};
use crate::store::{StoreError, Tx};

use super::undo::Parting;
use super::{Home, MovedConversation, moved};

impl Tx {
    /// Gives back what of a conversation is at home with the one who is there again.
    pub(super) async fn part(&mut self, parting: &Parting, row: &conversation::Model) -> Result<(), StoreError> {
        self.settle_ours(parting, row.id).await?;
        if row.home_id.is_some_and(|home| parting.theirs.contains(&home)) {
            return self.give_back_whole(parting, row).await;
        }
        let Some(theirs) = self.place_for(parting, row).await? else {
            return Ok(());
        };
        let record = record_of(parting, theirs)?;
        let unread = self.unread_of(row.id, row.unread_count, &parting.theirs).await?;
        let home = Home::In(parting.theirs.clone());
        self.gather(row.id, theirs, parting.restored, &home).await?;
        if record.as_ref().is_some_and(|record| record.room) {
            self.hand_over_room(row.id, theirs).await?;
        }
        self.split_chats(row, theirs, record.as_ref()).await?;
        self.split_unread(row, theirs, unread).await?;
        self.adopt_ended(row.id, theirs, |owner| parting.theirs.contains(&owner))
            .await?;
        // One that had come over whole may have taken others in since.
        self.adopt_ended(theirs, row.id, |owner| !parting.theirs.contains(&owner))
            .await?;
        self.gather_hidden(row.id, theirs, parting.restored, &home).await?;
        let others = Home::NotIn(parting.theirs.clone());
        self.gather_hidden(theirs, row.id, parting.kept, &others).await?;
        // What had stayed behind in it says yet whose it was when it ended.
        let all = Condition::all().add(message::Column::ConversationId.eq(theirs));
        self.move_messages(all, None, parting.restored).await?;
        self.recount(row.id).await?;
        self.recount(theirs).await
    }

    /// A text of ours since then is at home where the chat is that it went out in.
    async fn settle_ours(&mut self, parting: &Parting, id: ConversationId) -> Result<(), StoreError> {
        let theirs = self.chats_of(id, &Home::In(parting.theirs.clone())).await?;
        let others = self.chats_of(id, &Home::NotIn(parting.theirs.clone())).await?;
        let only_theirs: Vec<ChatId> = theirs.difference(&others).cloned().collect();
        let change = message::ActiveModel {
            home_id: Set(Some(parting.restored)),
            ..message::ActiveModel::default()
        };
        message::Entity::update_many()
            .set(change)
            .filter(message::Column::ConversationId.eq(id))
            .filter(message::Column::Direction.eq(Direction::Outbound.as_str()))
            .filter(message::Column::HomeId.is_null())
            .filter(message::Column::CreatedAt.gte(parting.merge.created_at))
            .filter(message::Column::ChatId.is_in(only_theirs))
            .exec(&self.session)
            .await?;
        Ok(())
    }

    /// The conversation of the one who is there again; made if something of theirs came in since and there was none.
    async fn place_for(
        &mut self,
        parting: &Parting,
        row: &conversation::Model,
    ) -> Result<Option<ConversationId>, StoreError> {
        let ended = self.ended_in(row.id).await?;
        let own = ended.iter().find(|one| one.customer_id == Some(parting.restored));
        // One that had come over whole before it ended in this one.
        let whole = || ended.iter().find(|one| one.home_id == Some(parting.restored));
        if let Some(place) = own.or_else(whole) {
            let change = conversation::ActiveModel {
                customer_id: Set(Some(parting.restored)),
                home_id: Set(place.home_id.filter(|home| *home != parting.restored)),
                merged_into: Set(None),
                ..conversation::ActiveModel::default()
            };
            self.change_conversation(place.id, change).await?;
            return Ok(Some(place.id));
        }
        if !self.has_any_below(row.id, &Home::In(parting.theirs.clone())).await? {
            return Ok(None);
        }
        self.place_of(row, parting.restored).await.map(Some)
    }

    /// A conversation that was the other's as a whole goes back as a whole, but for what came in since.
    async fn give_back_whole(&mut self, parting: &Parting, row: &conversation::Model) -> Result<(), StoreError> {
        let others = Home::NotIn(parting.theirs.clone());
        let has_rest = self.has_any_below(row.id, &others).await?;
        let change = conversation::ActiveModel {
            customer_id: Set(Some(parting.restored)),
            home_id: Set(row.home_id.filter(|home| *home != parting.restored)),
            ..conversation::ActiveModel::default()
        };
        self.change_conversation(row.id, change).await?;
        let ended = self.ended_in(row.id).await?;
        let not_theirs = |one: &conversation::Model| owner(one).is_some_and(|id| !parting.theirs.contains(&id));
        if !has_rest && !ended.iter().any(not_theirs) {
            return Ok(());
        }
        let rest = self.place_of(row, parting.kept).await?;
        let theirs = self.unread_of(row.id, row.unread_count, &parting.theirs).await?;
        self.gather(row.id, rest, parting.kept, &others).await?;
        self.split_chats(row, rest, None).await?;
        self.split_unread(row, rest, row.unread_count - theirs).await?;
        self.adopt_ended(row.id, rest, |owner| !parting.theirs.contains(&owner))
            .await?;
        self.gather_hidden(row.id, rest, parting.kept, &others).await?;
        let home = Home::In(parting.theirs.clone());
        self.gather_hidden(rest, row.id, parting.restored, &home).await?;
        self.recount(row.id).await?;
        self.recount(rest).await
    }

    /// A new conversation of a customer in the account of this one.
    async fn place_of(
        &mut self,
        beside: &conversation::Model,
        customer: CustomerId,
    ) -> Result<ConversationId, StoreError> {
        let name = self.need_customer(customer).await?.name;
        let kind = crate::domain::conversation::ChatKind::Direct;
        let made = self
            .create_conversation(beside.account_id, Some(customer), None, kind, &name)
            .await?;
        Ok(made.id)
    }

    /// Each of the two answers in the chat in which it was heard last.
    async fn split_chats(
        &mut self,
        row: &conversation::Model,
        other: ConversationId,
        record: Option<&MovedConversation>,
    ) -> Result<(), StoreError> {
        let before = |chat: Option<&MovedConversation>, merged: bool| {
            chat.and_then(|one| {
                if merged {
                    one.merged_chat.clone()
                } else {
                    one.chat.clone()
                }
            })
        };
        let of_other = self.newest_chat(other).await?.or_else(|| before(record, true));
        let own = self.newest_chat(row.id).await?.or_else(|| before(record, false));
        let own = own.filter(|chat| of_other.as_ref() != Some(chat));
        for (id, chat) in [(row.id, None), (other, of_other), (row.id, own)] {
            if let Some(chat) = &chat {
                self.free_chat(row.account_id, chat).await?;
            }
            let change = conversation::ActiveModel {
                chat_id: Set(chat),
                ..conversation::ActiveModel::default()
            };
            self.change_conversation(id, change).await?;
        }
        Ok(())
    }

    async fn split_unread(
        &mut self,
        row: &conversation::Model,
        other: ConversationId,
        of_other: i64,
    ) -> Result<(), StoreError> {
        for (id, unread) in [(row.id, row.unread_count - of_other), (other, of_other)] {
            let change = conversation::ActiveModel {
                unread_count: Set(unread),
                ..conversation::ActiveModel::default()
            };
            self.change_conversation(id, change).await?;
        }
        Ok(())
    }

    /// What ended in `from` and whose owner is meant ends in `to` from here on.
    async fn adopt_ended(
        &mut self,
        from: ConversationId,
        to: ConversationId,
        is_meant: impl Fn(CustomerId) -> bool,
    ) -> Result<(), StoreError> {
        let ended = conversation::Entity::find()
            .filter(conversation::Column::MergedInto.eq(from))
            .filter(conversation::Column::Id.ne(to))
            .all(&self.session)
            .await?;
        for row in ended.iter().filter(|row| owner(row).is_some_and(&is_meant)) {
            let change = conversation::ActiveModel {
                merged_into: Set(Some(to)),
                ..conversation::ActiveModel::default()
            };
            self.change_conversation(row.id, change).await?;
        }
        Ok(())
    }

    /// The conversations that ended in this one, at whatever remove.
    pub(super) async fn ended_in(&mut self, id: ConversationId) -> Result<Vec<conversation::Model>, StoreError> {
        let mut found: Vec<conversation::Model> = Vec::new();
        let mut above = vec![id];
        for _ in 0..MAX_CHAIN {
            let mut below = Vec::new();
            for some in above.chunks(MAX_NAMED) {
                let into_these = conversation::Column::MergedInto.is_in(some.iter().copied());
                let rows = conversation::Entity::find()
                    .filter(into_these)
                    .all(&self.session)
                    .await?;
                below.extend(rows);
            }
            if below.is_empty() {
                return Ok(found);
            }
            below.sort_by_key(|row| row.id);
            above = below.iter().map(|row| row.id).collect();
            found.extend(below);
        }
        Err(StoreError::corrupt("conversations", "merges without an end"))
    }
}

/// Whose a conversation is without any merge.
fn owner(row: &conversation::Model) -> Option<CustomerId> {
    row.home_id.or(row.customer_id)
}

/// What the merge noted of the conversation that is there again.
fn record_of(parting: &Parting, id: ConversationId) -> Result<Option<MovedConversation>, StoreError> {
    let all = moved(&parting.merge)?.conversations;
    Ok(all.into_iter().find(|one| one.joined.merged_conversation_id == id))
}
