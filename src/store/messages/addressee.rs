//! The number to which a message is addressed, where its sender named one, the conversation that the number leads to, and
//! when it was handed over.

use entity::{message, outbox};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::domain::conversation::Conversation;
use crate::domain::customer::PhoneNumber;
use crate::domain::message::{Message, MessageState};
use crate::domain::{CustomerId, MessageId, Timestamp};
use crate::store::database::row::word;
use crate::store::facet::{Database, Messages};
use crate::store::{StoreError, Tx};

use super::pace::NOT_HANDED_OVER;
use super::read;

impl<D: Database> Messages<'_, D> {
    /// Returns the number that the sender of a message named; `None` if the message is for the customer, whatever their
    /// number is.
    pub async fn addressee(&self, id: MessageId) -> Result<Option<PhoneNumber>, StoreError> {
        let row = message::Entity::find_by_id(id).one(self.0.connection()).await?;
        let named = row.and_then(|row| row.addressee);
        named.map(|phone| word("messages", &phone)).transpose()
    }

    /// Returns when a message of ours was handed over, or nearly; `None` if it was not, or before this was noted.
    pub async fn chosen_at(&self, id: MessageId) -> Result<Option<Timestamp>, StoreError> {
        let chosen: Option<Option<i64>> = message::Entity::find_by_id(id)
            .select_only()
            .column(message::Column::ChosenAt)
            .into_tuple()
            .one(self.0.connection())
            .await?;
        Ok(chosen.flatten().map(Timestamp))
    }
}

impl Messages<'_, Tx> {
    /// Lets the queued messages of a customer follow the customer: the numbers that their senders named do not count any
    /// more, because a person has corrected the customer's number.
    pub async fn forget_addressees(&self, customer: CustomerId) -> Result<(), StoreError> {
        message::Entity::update_many()
            .set(message::ActiveModel {
                addressee: Set(None),
                updated_at: Set(self.0.now.0),
                ..message::ActiveModel::default()
            })
            .filter(message::Column::CustomerId.eq(customer))
            .filter(message::Column::State.is_in(NOT_HANDED_OVER.map(MessageState::as_str)))
            .filter(message::Column::Addressee.is_not_null())
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Moves a queued message, with its work, to the conversation of the customer who has the number to which it is
    /// addressed. Returns the moved message.
    pub async fn readdress(&self, id: MessageId, to: &Conversation) -> Result<Message, StoreError> {
        let from = self.need(id).await?.conversation_id;
        let change = message::ActiveModel {
            conversation_id: Set(to.id),
            customer_id: Set(to.customer_id),
            home_id: Set(None),
            ..message::ActiveModel::default()
        };
        self.change(id, change).await?;
        outbox::Entity::update_many()
            .col_expr(outbox::Column::Lane, Expr::value(to.id))
            .filter(outbox::Column::MessageId.eq(id))
            .filter(outbox::Column::Lane.is_not_null())
            .exec(&self.0.session)
            .await?;
        self.0.scheduled().follow_messages(from).await?;
        self.0.merges().recount(from).await?;
        self.0.merges().recount(to.id).await?;
        self.need(id).await.and_then(read)
    }
}
