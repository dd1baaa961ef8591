//! Hidden messages: a double of a message in the live conversation stays behind in the conversation that ended.
//!
//! A hidden message is always in or below a conversation of its home customer, or of one they were merged into. So when
//! a customer is split off, all their hidden messages can be found and moved.

use entity::{conversation, message};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter};

use crate::domain::conversation::ChatKind;
use crate::domain::{ConversationId, CustomerId};
use crate::store::facet::Merges;
use crate::store::{StoreError, Tx};

use super::Home;

impl Merges<'_, Tx> {
    /// Moves the hidden messages below `from` that have one of these homes to `to`, where they show unless `to` has a
    /// double, or else below `to`.
    pub(super) async fn gather_hidden(
        &self,
        from: ConversationId,
        to: ConversationId,
        customer: CustomerId,
        home: &Home,
    ) -> Result<(), StoreError> {
        let ended = self.ended_in(to).await?;
        let places: Vec<ConversationId> = std::iter::once(to).chain(ended.iter().map(|row| row.id)).collect();
        for behind in self.ended_in(from).await? {
            for place in &places {
                if !self.has_any(behind.id, home).await? {
                    break;
                }
                self.gather(behind.id, *place, customer, home).await?;
            }
            if self.has_any(behind.id, home).await? {
                let place = self.hidden_place(&behind, to).await?;
                self.gather(behind.id, place, customer, home).await?;
            }
        }
        Ok(())
    }

    /// Creates an ended conversation for messages of which every other conversation has a double. It has no customer,
    /// because a customer has one conversation per account.
    async fn hidden_place(
        &self,
        beside: &conversation::Model,
        to: ConversationId,
    ) -> Result<ConversationId, StoreError> {
        let place = self
            .0
            .conversations()
            .create(beside.account_id, None, None, ChatKind::Direct, &beside.name)
            .await?;
        let ended = conversation::ActiveModel {
            merged_into: Set(Some(to)),
            ..conversation::ActiveModel::default()
        };
        self.0.conversations().change(place.id, ended).await?;
        Ok(place.id)
    }

    /// Returns whether a conversation has messages of these homes, visible or hidden.
    pub(super) async fn has_any_below(&self, id: ConversationId, home: &Home) -> Result<bool, StoreError> {
        if self.has_any(id, home).await? {
            return Ok(true);
        }
        for ended in self.ended_in(id).await? {
            if self.has_any(ended.id, home).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn has_any(&self, id: ConversationId, home: &Home) -> Result<bool, StoreError> {
        let any = Condition::all()
            .add(message::Column::ConversationId.eq(id))
            .add(home.condition());
        Ok(message::Entity::find().filter(any).count(&self.0.session).await? > 0)
    }
}
