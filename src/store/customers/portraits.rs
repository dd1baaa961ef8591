//! Customers' profile pictures, and whose are to be looked up.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use entity::{conversation, customer};

use crate::domain::customer::Customer;
use crate::domain::{AccountId, ChatId, CustomerId, MediaId, Timestamp};
use crate::store::{Store, StoreError, Tx};

use super::read;

/// A customer whose picture is to be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuePortrait {
    pub customer: CustomerId,
    pub chat: ChatId,
    /// Which picture of theirs is known.
    pub tag: Option<String>,
}

impl Store {
    /// Of those who have a conversation in this account that was active since `active`, and were not looked up since `seen`: the
    /// one who was active last.
    pub async fn due_portrait(
        &self,
        account: AccountId,
        active: Timestamp,
        seen: Timestamp,
    ) -> Result<Option<DuePortrait>, StoreError> {
        let found: Option<(Option<CustomerId>, Option<ChatId>)> = conversation::Entity::find()
            .select_only()
            .column(conversation::Column::CustomerId)
            .column(conversation::Column::ChatId)
            .filter(conversation::Column::AccountId.eq(account))
            .filter(conversation::Column::MergedInto.is_null())
            .filter(conversation::Column::ChatId.is_not_null())
            .filter(conversation::Column::ActiveAt.gte(active.0))
            .filter(Expr::exists(not_seen_since(seen)))
            .order_by_desc(conversation::Column::ActiveAt)
            .order_by_desc(conversation::Column::Id)
            .into_tuple()
            .one(self.readers())
            .await?;
        let Some((Some(id), Some(chat))) = found else {
            return Ok(None);
        };
        let customer = customer::Entity::find_by_id(id).one(self.readers()).await?;
        Ok(customer.map(|customer| DuePortrait {
            customer: id,
            chat,
            tag: customer.photo_tag,
        }))
    }
}

impl Tx {
    /// Keeps which picture a customer shows, if any, as seen now. Gives the customer if they look other than before.
    pub async fn set_portrait(
        &mut self,
        id: CustomerId,
        shown: Option<(String, MediaId)>,
    ) -> Result<Option<Customer>, StoreError> {
        let before = self.need_customer(id).await?;
        let (tag, photo) = shown.unzip();
        if (&before.photo_tag, before.photo_id) == (&tag, photo) {
            self.saw_portrait(id, self.now).await?;
            return Ok(None);
        }
        let change = customer::ActiveModel {
            photo_id: Set(photo),
            photo_tag: Set(tag),
            photo_seen_at: Set(Some(self.now.0)),
            ..customer::ActiveModel::default()
        };
        self.change_customer(id, change).await?;
        let (before, after) = (read(before)?, read(self.need_customer(id).await?)?);
        Ok((after.photo_url != before.photo_url && after.merged_into.is_none()).then_some(after))
    }

    /// A customer's picture was looked up then, and is what it was.
    pub async fn saw_portrait(&mut self, id: CustomerId, at: Timestamp) -> Result<(), StoreError> {
        // No change that anybody sees.
        customer::Entity::update_many()
            .col_expr(customer::Column::PhotoSeenAt, Expr::value(at.0))
            .filter(customer::Column::Id.eq(id))
            .exec(&self.session)
            .await?;
        Ok(())
    }
}

/// The customer of the conversation around, if they were not looked up since.
fn not_seen_since(seen: Timestamp) -> SelectStatement {
    let customers = (customer::Entity, customer::Column::Id);
    let of_conversation = (conversation::Entity, conversation::Column::CustomerId);
    Query::select()
        .expr(Expr::val(1))
        .from(customer::Entity)
        .and_where(Expr::col(customers).equals(of_conversation))
        .cond_where(
            Condition::any()
                .add(customer::Column::PhotoSeenAt.is_null())
                .add(customer::Column::PhotoSeenAt.lt(seen.0)),
        )
        .take()
}
