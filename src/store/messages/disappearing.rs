//! Disappearing messages: deletes their content when their time comes.

use entity::{journal, message};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::details::Details;
use crate::domain::message::Message;
use crate::domain::{AccountId, MessageId, Timestamp};
use crate::store::database::row::{from_json, to_json};
use crate::store::database::session::exclusive;
use crate::store::facet::Messages;
use crate::store::{Store, StoreError, Tx};

use super::read;

impl Messages<'_, Store> {
    /// Returns the ids of an account's messages that are due to disappear at `now`, earliest first, at most `limit`.
    pub async fn due_to_disappear(
        &self,
        account: AccountId,
        now: Timestamp,
        limit: u64,
    ) -> Result<Vec<MessageId>, StoreError> {
        let ids = message::Entity::find()
            .select_only()
            .column(message::Column::Id)
            .filter(message::Column::AccountId.eq(account))
            .filter(message::Column::VanishesAt.lte(now.0))
            .order_by_asc(message::Column::VanishesAt)
            .order_by_asc(message::Column::Id)
            .limit(limit)
            .into_tuple()
            .all(self.0.readers())
            .await?;
        Ok(ids)
    }
}

impl Messages<'_, Tx> {
    /// Returns whether a message is due to disappear at `now`, and locks it until the commit: people may have kept it
    /// since [`Messages::due_to_disappear`] found it.
    pub async fn is_due_to_disappear(&self, id: MessageId, now: Timestamp) -> Result<bool, StoreError> {
        let row = exclusive(&self.0.session, message::Entity::find_by_id(id));
        let row = row.one(&self.0.session).await?;
        Ok(row.and_then(|row| row.vanishes_at).is_some_and(|at| at <= now.0))
    }

    /// Sets the time at which a message disappears; `None`: it stays.
    pub async fn set_disappearing(&self, id: MessageId, at: impl Into<Option<Timestamp>>) -> Result<(), StoreError> {
        let at: Option<Timestamp> = at.into();
        let change = message::ActiveModel {
            vanishes_at: Set(at.map(|at| at.0)),
            ..message::ActiveModel::default()
        };
        self.change(id, change).await
    }

    /// Deletes the content of a message from its row and from the journal, and marks the message as deleted. Returns
    /// the changed message.
    pub async fn empty(&self, id: MessageId) -> Result<Message, StoreError> {
        let row = self.need(id).await?;
        let before: Option<Details> = row
            .details
            .as_deref()
            .map(|details| from_json("messages", details))
            .transpose()?;
        let after = Details {
            disappeared: true,
            expires_after_s: before.and_then(|details| details.expires_after_s),
            ..Details::default()
        };
        let change = message::ActiveModel {
            content: Set(String::new()),
            details: Set(Some(to_json(&after)?)),
            media: Set(None),
            // Without the reference, later changes of the medium are not copied here, and its bytes belong to no
            // message.
            media_id: Set(None),
            vanishes_at: Set(None),
            deleted_at: Set(Some(row.deleted_at.unwrap_or(self.0.now.0))),
            ..message::ActiveModel::default()
        };
        self.change(id, change).await?;
        self.empty_events(id).await?;
        self.need(id).await.and_then(read)
    }

    /// Deletes the content from the journal's events, which contain copies of the message.
    async fn empty_events(&self, id: MessageId) -> Result<(), StoreError> {
        let events = journal::Entity::find()
            .filter(journal::Column::MessageId.eq(id))
            .all(&self.0.session)
            .await?;
        for event in events {
            let mut data: serde_json::Value = from_json("journal", &event.data)?;
            data["content"] = "".into();
            data["details"] = serde_json::Value::Null;
            data["media"] = serde_json::Value::Null;
            let change = journal::ActiveModel {
                data: Set(to_json(&data)?),
                ..journal::ActiveModel::default()
            };
            journal::Entity::update_many()
                .set(change)
                .filter(journal::Column::Seq.eq(event.seq))
                .exec(&self.0.session)
                .await?;
        }
        Ok(())
    }
}
