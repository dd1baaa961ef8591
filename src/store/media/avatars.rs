//! Pictures of customers and groups: which one each shows, and whose are to be looked up.

use entity::{chat_group, conversation, customer};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, IntoColumnRef, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::{AccountId, ChatId, ConversationId, CustomerId, MediaId, Timestamp};
use crate::store::facet::Avatars;

use crate::store::{Store, StoreError, Tx};

/// Whose picture it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    Customer(CustomerId),
    /// The group's conversation.
    Group(ConversationId),
}

/// A picture that is to be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuePortrait {
    pub of: Face,
    pub chat: ChatId,
    /// Which picture is known.
    pub tag: Option<String>,
}

/// When a picture was looked up, and when it is to be again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    pub at: Timestamp,
    pub again: Timestamp,
}

/// A conversation's id, its customer's, and its chat's.
type Place = (ConversationId, Option<CustomerId>, Option<ChatId>);

impl Avatars<'_, Store> {
    /// The picture that is due of those whose conversation in this account was active since `active`: customers first, and of
    /// each kind the one who was active last.
    pub async fn due(
        &self,
        account: AccountId,
        active: Timestamp,
        now: Timestamp,
    ) -> Result<Option<DuePortrait>, StoreError> {
        if let Some((_, Some(id), Some(chat))) = self.latest_of(account, active, due_customer(now)).await? {
            let customer = customer::Entity::find_by_id(id).one(self.0.readers()).await?;
            return Ok(customer.map(|customer| DuePortrait {
                of: Face::Customer(id),
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
        Ok(group.map(|group| DuePortrait {
            of: Face::Group(id),
            chat,
            tag: group.photo_tag,
        }))
    }

    /// The conversation that was active last of those for which `due` finds something.
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
    /// Keeps which picture somebody shows, if any. Tells whether they look other than before.
    pub async fn set(&self, of: Face, shown: Option<(String, MediaId)>, looked: Looked) -> Result<bool, StoreError> {
        let (tag, photo) = shown.unzip();
        let (before, is_seen) = match of {
            Face::Customer(id) => {
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
                // A picture that somebody has set goes first.
                (before, customer.photo_url.is_none() && customer.merged_into.is_none())
            }
            Face::Group(conversation) => {
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

    /// A picture was looked up, and is what it was. What has become due since then stays due.
    pub async fn mark_checked(&self, of: Face, looked: Looked) -> Result<(), StoreError> {
        // No change that anybody sees.
        match of {
            Face::Customer(id) => {
                customer::Entity::update_many()
                    .col_expr(customer::Column::PhotoDueAt, Expr::value(looked.again.0))
                    .filter(customer::Column::Id.eq(id))
                    .filter(due_by(customer::Column::PhotoDueAt, looked.at))
                    .exec(&self.0.session)
                    .await?;
            }
            Face::Group(conversation) => {
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

    /// A group has changed, its picture perhaps: it is to be looked up.
    pub async fn recheck_group(&self, conversation: ConversationId) -> Result<(), StoreError> {
        chat_group::Entity::update_many()
            .col_expr(chat_group::Column::PhotoDueAt, Expr::value(self.0.now.0))
            .filter(chat_group::Column::ConversationId.eq(conversation))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }
}

/// The customer of the conversation around, if their picture is due.
fn due_customer(now: Timestamp) -> SelectStatement {
    let of_conversation = (conversation::Entity, conversation::Column::CustomerId);
    Query::select()
        .expr(Expr::val(1))
        .from(customer::Entity)
        .and_where(Expr::col((customer::Entity, customer::Column::Id)).equals(of_conversation))
        .cond_where(due_by((customer::Entity, customer::Column::PhotoDueAt), now))
        .take()
}

/// The group of the conversation around, if its picture is due.
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
