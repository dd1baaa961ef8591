//! Splits the conversations of one customer when a merge is undone.
//!
//! `shared` is a conversation of the kept customer before the undo. Below it are the conversations that ended in it.
//! Messages whose home is the restored customer, or a customer who was merged into them, leave it; the others stay.
//!
//! ```text
//! before                                after
//!
//! shared: messages of both              shared: the kept one's      restored: the restored one's
//!   ├ ended: doubles, the kept one's      └ ended: the kept one's     └ ended: the restored one's
//!   └ ended: doubles, the restored one's
//! ```
//!
//! | `shared` | case | result |
//! |---|---|---|
//! | was the kept one's | nothing of the restored one in it or below it | stays as it is |
//! | was the kept one's | a conversation of the restored one ended in it | that one continues, with their messages |
//! | was the kept one's | one that had come whole to the restored one ended in it | that one continues, likewise |
//! | was the kept one's | only their messages came in since | a new conversation gets them |
//! | came over whole | nothing of the kept one in it or below it | goes back whole |
//! | came over whole | the kept one's came in, or ended in it, since | goes back; a new conversation gets the kept one's |
//! | either | a double below the other, which this one lacks | shows here again (`gather_hidden`) |
//! | either | a double below the other, which this one has as well | moves below this one |

use entity::{conversation, message};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};

use crate::domain::message::Direction;
use crate::domain::{ChatId, ConversationId, CustomerId};
use crate::store::database::bounds::MAX_NAMED;
use crate::store::facet::Merges;
use crate::store::{StoreError, Tx};

use super::undo::Parting;
use super::{Home, MovedConversation, moved};
use crate::store::database::bounds::MAX_CHAIN;

impl Merges<'_, Tx> {
    /// Moves the restored customer's part of a conversation to a conversation of their own.
    pub(super) async fn part(&self, parting: &Parting, shared: &conversation::Model) -> Result<(), StoreError> {
        self.settle_ours(parting, shared.id).await?;
        if shared.home_id.is_some_and(|home| parting.theirs.contains(&home)) {
            return self.give_back_whole(parting, shared).await;
        }
        let Some(restored) = self.restored_conversation(parting, shared).await? else {
            return Ok(());
        };
        let record = record_of(parting, restored)?;
        let unread = self.unread_of(shared.id, shared.unread_count, &parting.theirs).await?;
        let of_restored = Home::In(parting.theirs.clone());
        self.gather(shared.id, restored, parting.restored, &of_restored).await?;
        if record.as_ref().is_some_and(|record| record.room) {
            self.0.rooms().hand_over(shared.id, restored).await?;
        }
        self.split_chats(shared, restored, record.as_ref()).await?;
        self.split_unread(shared, restored, unread).await?;
        self.adopt_ended(shared.id, restored, |owner| parting.theirs.contains(&owner))
            .await?;
        // A conversation that had come over whole may have taken in others since.
        self.adopt_ended(restored, shared.id, |owner| !parting.theirs.contains(&owner))
            .await?;
        self.give_back_notes(shared.id, restored).await?;
        self.gather_hidden(shared.id, restored, parting.restored, &of_restored)
            .await?;
        let of_kept = Home::NotIn(parting.theirs.clone());
        self.gather_hidden(restored, shared.id, parting.kept, &of_kept).await?;
        self.stand_again(parting, shared, restored, record.as_ref()).await?;
        // Messages that stayed behind in it still name the customer of the time when it ended.
        let all = Condition::all().add(message::Column::ConversationId.eq(restored));
        self.move_messages(all, None, parting.restored).await?;
        self.recount(shared.id).await?;
        self.recount(restored).await
    }

    /// Sets the home of our messages since the merge to the restored customer, where they went to a chat that only that
    /// customer used.
    async fn settle_ours(&self, parting: &Parting, id: ConversationId) -> Result<(), StoreError> {
        let of_restored = self.chats_of(id, &Home::In(parting.theirs.clone())).await?;
        let of_kept = self.chats_of(id, &Home::NotIn(parting.theirs.clone())).await?;
        let only_restored: Vec<ChatId> = of_restored.difference(&of_kept).cloned().collect();
        let to_them = Condition::all()
            .add(message::Column::Direction.eq(Direction::Outbound.as_str()))
            .add(message::Column::HomeId.is_null())
            .add(message::Column::CreatedAt.gte(parting.merge.created_at))
            .add(message::Column::ChatId.is_in(only_restored));
        self.set_home(id, parting.restored, to_them).await
    }

    /// Returns the restored customer's conversation. Creates one if messages of theirs came in since the merge and
    /// there is none. Returns `None` if they have nothing here.
    async fn restored_conversation(
        &self,
        parting: &Parting,
        shared: &conversation::Model,
    ) -> Result<Option<ConversationId>, StoreError> {
        let ended = self.ended_in(shared.id).await?;
        let own = ended.iter().find(|one| one.customer_id == Some(parting.restored));
        // A conversation that had come over whole before it ended in this one.
        let whole = || ended.iter().find(|one| one.home_id == Some(parting.restored));
        if let Some(found) = own.or_else(whole) {
            let change = conversation::ActiveModel {
                customer_id: Set(Some(parting.restored)),
                home_id: Set(found.home_id.filter(|home| *home != parting.restored)),
                merged_into: Set(None),
                ..conversation::ActiveModel::default()
            };
            self.0.conversations().change(found.id, change).await?;
            return Ok(Some(found.id));
        }
        if !self.has_any_below(shared.id, &Home::In(parting.theirs.clone())).await? {
            return Ok(None);
        }
        self.new_conversation(shared, parting.restored).await.map(Some)
    }

    /// Gives back a conversation that was the restored customer's as a whole, without what came in for the kept
    /// customer since.
    async fn give_back_whole(&self, parting: &Parting, shared: &conversation::Model) -> Result<(), StoreError> {
        self.leave_in(parting, shared.id).await?;
        let of_kept = Home::NotIn(parting.theirs.clone());
        let has_kept = self.has_any_below(shared.id, &of_kept).await?;
        let change = conversation::ActiveModel {
            customer_id: Set(Some(parting.restored)),
            home_id: Set(shared.home_id.filter(|home| *home != parting.restored)),
            ..conversation::ActiveModel::default()
        };
        self.0.conversations().change(shared.id, change).await?;
        let ended = self.ended_in(shared.id).await?;
        let is_kept = |one: &conversation::Model| owner(one).is_some_and(|id| !parting.theirs.contains(&id));
        if !has_kept && !ended.iter().any(is_kept) {
            return Ok(());
        }
        let kept = self.new_conversation(shared, parting.kept).await?;
        let unread = self.unread_of(shared.id, shared.unread_count, &parting.theirs).await?;
        self.gather(shared.id, kept, parting.kept, &of_kept).await?;
        self.split_chats(shared, kept, None).await?;
        self.split_unread(shared, kept, shared.unread_count - unread).await?;
        self.adopt_ended(shared.id, kept, |owner| !parting.theirs.contains(&owner))
            .await?;
        self.give_back_notes(shared.id, kept).await?;
        self.gather_hidden(shared.id, kept, parting.kept, &of_kept).await?;
        let of_restored = Home::In(parting.theirs.clone());
        self.gather_hidden(kept, shared.id, parting.restored, &of_restored)
            .await?;
        self.recount(shared.id).await?;
        self.recount(kept).await
    }

    /// Creates a conversation of a customer in the account of `beside`.
    async fn new_conversation(
        &self,
        beside: &conversation::Model,
        customer: CustomerId,
    ) -> Result<ConversationId, StoreError> {
        let name = self.0.customers().need(customer).await?.name;
        let kind = crate::domain::conversation::ChatKind::Direct;
        let made = self
            .0
            .conversations()
            .create(beside.account_id, Some(customer), None, kind, &name)
            .await?;
        Ok(made.id)
    }

    /// Gives each of the two the chat in which its newest message came.
    async fn split_chats(
        &self,
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
                self.0.conversations().free_chat(row.account_id, chat).await?;
            }
            let change = conversation::ActiveModel {
                chat_id: Set(chat),
                ..conversation::ActiveModel::default()
            };
            self.0.conversations().change(id, change).await?;
        }
        Ok(())
    }

    async fn split_unread(
        &self,
        row: &conversation::Model,
        other: ConversationId,
        of_other: i64,
    ) -> Result<(), StoreError> {
        for (id, unread) in [(row.id, row.unread_count - of_other), (other, of_other)] {
            let change = conversation::ActiveModel {
                unread_count: Set(unread),
                waiting_since: Set(row.waiting_since.filter(|_| unread > 0)),
                ..conversation::ActiveModel::default()
            };
            self.0.conversations().change(id, change).await?;
        }
        Ok(())
    }

    /// Makes `to` the successor of the conversations that ended in `from` and whose owner matches.
    async fn adopt_ended(
        &self,
        from: ConversationId,
        to: ConversationId,
        is_meant: impl Fn(CustomerId) -> bool,
    ) -> Result<(), StoreError> {
        let ended = conversation::Entity::find()
            .filter(conversation::Column::MergedInto.eq(from))
            .filter(conversation::Column::Id.ne(to))
            .all(&self.0.session)
            .await?;
        for row in ended.iter().filter(|row| owner(row).is_some_and(&is_meant)) {
            let change = conversation::ActiveModel {
                merged_into: Set(Some(to)),
                ..conversation::ActiveModel::default()
            };
            self.0.conversations().change(row.id, change).await?;
        }
        Ok(())
    }

    /// Gives each of two conversations the notes that were written for it, or for one that ended in it. Call it when each
    /// has those that ended in it. What was written for both as one stays.
    async fn give_back_notes(&self, one: ConversationId, other: ConversationId) -> Result<(), StoreError> {
        for (from, to) in [(one, other), (other, one)] {
            let ended: Vec<ConversationId> = self.ended_in(to).await?.iter().map(|row| row.id).collect();
            self.0.notes().give_back(from, to, &ended).await?;
        }
        Ok(())
    }

    /// Returns the conversations that ended in this one, directly or through others.
    pub(super) async fn ended_in(&self, id: ConversationId) -> Result<Vec<conversation::Model>, StoreError> {
        let mut found: Vec<conversation::Model> = Vec::new();
        let mut above = vec![id];
        for _ in 0..MAX_CHAIN {
            let mut below = Vec::new();
            for some in above.chunks(MAX_NAMED) {
                let into_these = conversation::Column::MergedInto.is_in(some.iter().copied());
                let rows = conversation::Entity::find()
                    .filter(into_these)
                    .all(&self.0.session)
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

/// Returns the customer to whom a conversation belongs if no merge is counted.
fn owner(row: &conversation::Model) -> Option<CustomerId> {
    row.home_id.or(row.customer_id)
}

/// Returns the record that the merge made of the restored conversation.
fn record_of(parting: &Parting, id: ConversationId) -> Result<Option<MovedConversation>, StoreError> {
    let all = moved(&parting.merge)?.conversations;
    Ok(all.into_iter().find(|one| one.joined.merged_conversation_id == id))
}
