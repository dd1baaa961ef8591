//! Avatars of customers and groups: which one each shows, and which are due for a lookup.

use entity::{chat_group, conversation, customer};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, IntoColumnRef, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::customer::Customer;
use crate::domain::{AccountId, ChatId, ConversationId, CustomerId, MediaId, Timestamp};
use crate::store::facet::Avatars;

use crate::store::{Store, StoreError, Tx};

/// Owner of an avatar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AvatarOwner {
    /// A customer.
    Customer(CustomerId),
    /// A group, by its conversation.
    Group(ConversationId),
}

/// An avatar that is due for a lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueAvatar {
    /// Owner of the avatar.
    pub of: AvatarOwner,
    /// Chat in which WhatsApp is asked for it.
    pub chat: ChatId,
    /// WhatsApp's tag of the avatar that is known, if any.
    pub tag: Option<String>,
}

/// Time of a lookup, and time of the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvatarTimes {
    /// Time of this lookup.
    pub at: Timestamp,
    /// Time of the next lookup.
    pub again: Timestamp,
}

/// Id of a conversation, of its customer, and of its chat.
type Place = (ConversationId, Option<CustomerId>, Option<ChatId>);

impl Avatars<'_, Store> {
    /// Returns the picture of a customer: the one that was set, else that of WhatsApp.
    pub async fn of(&self, id: CustomerId) -> Result<Option<MediaId>, StoreError> {
        let row = customer::Entity::find_by_id(id).one(self.0.readers()).await?;
        Ok(row.and_then(|row| row.given_photo_id.or(row.photo_id)))
    }

    /// Returns the next avatar that is due at `now`, of conversations in this account that were active since `active`.
    /// Customers come first, and of each kind the one that was active last.
    pub async fn due(
        &self,
        account: AccountId,
        active: Timestamp,
        now: Timestamp,
    ) -> Result<Option<DueAvatar>, StoreError> {
        if let Some((_, Some(id), Some(chat))) = self.latest_of(account, active, due_customer(now)).await? {
            let customer = customer::Entity::find_by_id(id).one(self.0.readers()).await?;
            return Ok(customer.map(|customer| DueAvatar {
                of: AvatarOwner::Customer(id),
                chat,
                tag: customer.photo_tag,
            }));
        }
        let Some((id, _, Some(chat))) = self.latest_of(account, active, due_group(now)).await? else {
            return Ok(None);
        };
        let group = chat_group::Entity::find()
            .filter(chat_group::Column::ConversationId.eq(id))
            .one(self.0.readers())
            .await?;
        Ok(group.map(|group| DueAvatar {
            of: AvatarOwner::Group(id),
            chat,
            tag: group.photo_tag,
        }))
    }

    /// Returns the conversation that was active last of those for which `due` finds a row.
    async fn latest_of(
        &self,
        account: AccountId,
        active: Timestamp,
        due: SelectStatement,
    ) -> Result<Option<Place>, StoreError> {
        let found = conversation::Entity::find()
            .select_only()
            .column(conversation::Column::Id)
            .column(conversation::Column::CustomerId)
            .column(conversation::Column::ChatId)
            .filter(conversation::Column::AccountId.eq(account))
            .filter(conversation::Column::MergedInto.is_null())
            .filter(conversation::Column::ChatId.is_not_null())
            .filter(conversation::Column::ActiveAt.gte(active.0))
            .filter(Expr::exists(due))
            .order_by_desc(conversation::Column::ActiveAt)
            .order_by_desc(conversation::Column::Id)
            .into_tuple()
            .one(self.0.readers())
            .await?;
        Ok(found)
    }
}

impl Avatars<'_, Tx> {
    /// Returns the picture that a person or program has set for a customer.
    pub async fn given(&self, id: CustomerId) -> Result<Option<MediaId>, StoreError> {
        Ok(self.0.customers().need(id).await?.given_photo_id)
    }

    /// Sets a customer's picture, which goes before that of WhatsApp. Returns the customer as changed.
    pub async fn give(&self, id: CustomerId, photo: MediaId) -> Result<Customer, StoreError> {
        let change = customer::ActiveModel {
            photo_url: Set(None),
            given_photo_id: Set(Some(photo)),
            ..customer::ActiveModel::default()
        };
        self.0.customers().change(id, change).await?;
        let changed = self.0.customers().get(id).await?;
        changed.ok_or(StoreError::Missing { what: "customer" })
    }

    /// Stores the avatar that a customer or group shows, if any, and the time of the next lookup. Returns whether the
    /// visible picture changed.
    pub async fn set(
        &self,
        of: AvatarOwner,
        shown: Option<(String, MediaId)>,
        looked: AvatarTimes,
    ) -> Result<bool, StoreError> {
        let (tag, photo) = shown.unzip();
        let (before, is_seen) = match of {
            AvatarOwner::Customer(id) => {
                let customer = self.0.customers().need(id).await?;
                let before = customer.photo_id;
                let change = customer::ActiveModel {
                    photo_id: Set(photo),
                    photo_tag: Set(tag),
                    ..customer::ActiveModel::default()
                };
                if before != photo {
                    self.0.customers().change(id, change).await?;
                }
                // A picture that a person has set takes precedence.
                let is_hidden = customer.photo_url.is_some() || customer.given_photo_id.is_some();
                (before, !is_hidden && customer.merged_into.is_none())
            }
            AvatarOwner::Group(conversation) => {
                let of_conversation = chat_group::Column::ConversationId.eq(conversation);
                let group = chat_group::Entity::find().filter(of_conversation.clone());
                let before = group.one(&self.0.session).await?.and_then(|group| group.photo_id);
                let change = chat_group::ActiveModel {
                    photo_id: Set(photo),
                    photo_tag: Set(tag),
                    updated_at: Set(self.0.now.0),
                    ..chat_group::ActiveModel::default()
                };
                if before != photo {
                    let update = chat_group::Entity::update_many().set(change);
                    update.filter(of_conversation).exec(&self.0.session).await?;
                }
                (before, true)
            }
        };
        self.mark_checked(of, looked).await?;
        Ok(before != photo && is_seen)
    }

    /// Records a lookup that found no change. An avatar that became due after `looked.at` stays due.
    pub async fn mark_checked(&self, of: AvatarOwner, looked: AvatarTimes) -> Result<(), StoreError> {
        // `updated_at` is not changed, because nothing visible changes.
        match of {
            AvatarOwner::Customer(id) => {
                customer::Entity::update_many()
                    .col_expr(customer::Column::PhotoDueAt, Expr::value(looked.again.0))
                    .filter(customer::Column::Id.eq(id))
                    .filter(due_by(customer::Column::PhotoDueAt, looked.at))
                    .exec(&self.0.session)
                    .await?;
            }
            AvatarOwner::Group(conversation) => {
                chat_group::Entity::update_many()
                    .col_expr(chat_group::Column::PhotoDueAt, Expr::value(looked.again.0))
                    .filter(chat_group::Column::ConversationId.eq(conversation))
                    .filter(due_by(chat_group::Column::PhotoDueAt, looked.at))
                    .exec(&self.0.session)
                    .await?;
            }
        }
        Ok(())
    }

    /// Makes the avatar of a group due now, because the group changed.
    pub async fn recheck_group(&self, conversation: ConversationId) -> Result<(), StoreError> {
        chat_group::Entity::update_many()
            .col_expr(chat_group::Column::PhotoDueAt, Expr::value(self.0.now.0))
            .filter(chat_group::Column::ConversationId.eq(conversation))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }
}

/// Selects the customer of the outer query's conversation, if the avatar is due.
fn due_customer(now: Timestamp) -> SelectStatement {
    let of_conversation = (conversation::Entity, conversation::Column::CustomerId);
    Query::select()
        .expr(Expr::val(1))
        .from(customer::Entity)
        .and_where(Expr::col((customer::Entity, customer::Column::Id)).equals(of_conversation))
        .cond_where(due_by((customer::Entity, customer::Column::PhotoDueAt), now))
        .take()
}

/// Selects the group of the outer query's conversation, if the avatar is due.
fn due_group(now: Timestamp) -> SelectStatement {
    let conversation = (conversation::Entity, conversation::Column::Id);
    Query::select()
        .expr(Expr::val(1))
        .from(chat_group::Entity)
        .and_where(Expr::col((chat_group::Entity, chat_group::Column::ConversationId)).equals(conversation))
        .cond_where(due_by((chat_group::Entity, chat_group::Column::PhotoDueAt), now))
        .take()
}

fn due_by(column: impl IntoColumnRef + Copy, at: Timestamp) -> Condition {
    Condition::any()
        .add(Expr::col(column).is_null())
        .add(Expr::col(column).lte(at.0))
}
