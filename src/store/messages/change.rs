//! Storing messages and changes of their state.

use entity::message;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, TryInsertResult};

use crate::domain::message::{Failure, Message, MessageState};
use crate::domain::pacing::Waiting;
use crate::domain::{AccountId, ChatId, ConversationId, MessageId, Timestamp, WaMessageId};
use crate::store::database::session::exclusive;
use crate::store::facet::Messages;
use crate::store::{StoreError, Tx};

use super::{HandOver, Inserted, NewMessage, find, read, row, unnumbered, whole_seconds};

impl Messages<'_, Tx> {
    /// Stores a message, or returns the one that is stored already.
    pub async fn insert(&self, new: NewMessage) -> Result<Inserted, StoreError> {
        let mut row = row(new.clone(), self.0.now)?;
        if self.0.session.get_database_backend() == DbBackend::MySql {
            // MySQL's "insert or do nothing" also hides other faults. Reading first is enough: when two processes store
            // the same message at once, one collides with the unique key, and its closure runs again.
            if let Some(stored) = self.stored(&new).await? {
                return Ok(Inserted::Existing(stored));
            }
            let insert = message::Entity::insert(unnumbered(row.clone()));
            row.id = insert.exec(&self.0.session).await?.last_insert_id;
            return read(row).map(Inserted::New);
        }
        // Covers whichever of its unique keys exists already.
        let nothing = OnConflict::new().do_nothing().to_owned();
        let insert = message::Entity::insert(unnumbered(row.clone()))
            .on_conflict(nothing)
            .try_insert();
        match insert.exec(&self.0.session).await? {
            TryInsertResult::Inserted(inserted) => {
                row.id = inserted.last_insert_id;
                read(row).map(Inserted::New)
            }
            TryInsertResult::Conflicted | TryInsertResult::Empty => {
                let stored = self.stored(&new).await?;
                let missing = || StoreError::corrupt("messages", "one that is there cannot be found");
                stored.map(Inserted::Existing).ok_or_else(missing)
            }
        }
    }

    /// Returns the message that we sent under this stanza id. Several may have it, because another account's number can
    /// be a customer of ours: returns the one that was sent in `chat`, else the first.
    pub async fn ours(
        &self,
        account: AccountId,
        id: &WaMessageId,
        chat: Option<&ChatId>,
    ) -> Result<Option<Message>, StoreError> {
        let mut rows = message::Entity::find()
            .filter(message::Column::AccountId.eq(account))
            .filter(message::Column::WhatsappId.eq(id.as_str()))
            .filter(message::Column::FromMe.eq(true))
            .filter(find::in_sight())
            .order_by_asc(message::Column::Id)
            .all(&self.0.session)
            .await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let there = rows
            .iter()
            .position(|row| chat.is_some() && row.chat_id.as_ref() == chat);
        read(rows.swap_remove(there.unwrap_or(0))).map(Some)
    }

    /// Returns the messages that an account received under this stanza id, by id: several if customers used the same.
    pub async fn received(&self, account: AccountId, id: &WaMessageId) -> Result<Vec<Message>, StoreError> {
        let rows = message::Entity::find()
            .filter(message::Column::AccountId.eq(account))
            .filter(message::Column::WhatsappId.eq(id.as_str()))
            .filter(message::Column::FromMe.eq(false))
            .filter(find::in_sight())
            .order_by_asc(message::Column::Id)
            .all(&self.0.session)
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// Returns the message that a reply quotes; the first if several have this id.
    pub async fn in_conversation(
        &self,
        conversation: ConversationId,
        id: &WaMessageId,
    ) -> Result<Option<MessageId>, StoreError> {
        let row = message::Entity::find()
            .filter(message::Column::ConversationId.eq(conversation))
            .filter(message::Column::WhatsappId.eq(id.as_str()))
            .order_by_asc(message::Column::Id)
            .one(&self.0.session)
            .await?;
        Ok(row.map(|row| row.id))
    }

    /// Sets the state and the failure, deletes the reason for waiting, and returns the changed message.
    pub async fn set_state(
        &self,
        id: MessageId,
        state: MessageState,
        failure: Option<Failure>,
    ) -> Result<Message, StoreError> {
        let (code, detail) = failure.map(|failure| (failure.code, failure.detail)).unzip();
        let change = message::ActiveModel {
            state: Set(state.to_string()),
            failure_code: Set(code),
            failure_detail: Set(detail),
            // In a new state it does not wait for what it waited for before.
            wait_reason: Set(None),
            wait_until: Set(None),
            ..message::ActiveModel::default()
        };
        self.change(id, change).await?;
        self.need(id).await.and_then(read)
    }

    /// Lets a message wait for its time or for a person, in the state `scheduled` or `held`, and returns it.
    pub async fn set_for_later(
        &self,
        id: MessageId,
        state: MessageState,
        waiting: Waiting,
    ) -> Result<Message, StoreError> {
        let change = message::ActiveModel {
            state: Set(state.to_string()),
            wait_reason: Set(Some(waiting.reason.to_string())),
            wait_until: Set(Some(waiting.until.0)),
            expires_at: Set(None),
            ..message::ActiveModel::default()
        };
        self.change(id, change).await?;
        self.need(id).await.and_then(read)
    }

    /// Queues a message that has waited for its time, as one that is written now, and returns it.
    pub async fn take_up(&self, id: MessageId, expires: Option<Timestamp>) -> Result<Message, StoreError> {
        let now = self.0.now;
        let change = message::ActiveModel {
            state: Set(MessageState::Queued.to_string()),
            timestamp: Set(now.0),
            sort_at: Set(whole_seconds(now)),
            wait_reason: Set(None),
            wait_until: Set(None),
            expires_at: Set(expires.map(|at| at.0)),
            ..message::ActiveModel::default()
        };
        self.change(id, change).await?;
        self.need(id).await.and_then(read)
    }

    /// Gives a message its stanza id for ever (rule 2). If it has an id already, it keeps id and login, and only the
    /// chat changes. Does not change the state.
    pub async fn choose_stanza(
        &self,
        id: MessageId,
        chat: &ChatId,
        stanza: &WaMessageId,
        login: i64,
    ) -> Result<HandOver, StoreError> {
        let row = self.need(id).await?;
        let chosen = HandOver {
            id: row.whatsapp_id.unwrap_or_else(|| stanza.clone()),
            chat: chat.clone(),
            login: row.login.unwrap_or(login),
        };
        let change = message::ActiveModel {
            whatsapp_id: Set(Some(chosen.id.clone())),
            chat_id: Set(Some(chosen.chat.clone())),
            login: Set(Some(chosen.login)),
            chosen_at: Set(Some(self.0.now.0)),
            ..message::ActiveModel::default()
        };
        self.change(id, change).await?;
        Ok(chosen)
    }

    /// Sets the login of a message to the account's present one: a person wants it sent again, so its id counts as
    /// chosen now.
    pub async fn renew_login(&self, id: MessageId) -> Result<(), StoreError> {
        let account = self.need(id).await?.account_id;
        let login = self
            .0
            .accounts()
            .get(account)
            .await?
            .ok_or(StoreError::Missing { what: "account" })?
            .login;
        let change = message::ActiveModel {
            login: Set(Some(login)),
            chosen_at: Set(Some(self.0.now.0)),
            ..message::ActiveModel::default()
        };
        self.change(id, change).await
    }

    /// Sets that a message is handed over now under the stanza id that it has.
    pub async fn renew_choice(&self, id: MessageId) -> Result<(), StoreError> {
        let change = message::ActiveModel {
            chosen_at: Set(Some(self.0.now.0)),
            ..message::ActiveModel::default()
        };
        self.change(id, change).await
    }

    /// Sets a new expiry for a message that a person has allowed to be sent again; `None` means that it never expires.
    pub async fn set_expiry(&self, id: MessageId, at: Option<Timestamp>) -> Result<(), StoreError> {
        let change = message::ActiveModel {
            expires_at: Set(at.map(|at| at.0)),
            ..message::ActiveModel::default()
        };
        self.change(id, change).await
    }

    async fn stored(&self, new: &NewMessage) -> Result<Option<Message>, StoreError> {
        if let Some(key) = &new.client_key
            && let Some(stored) = self.by_client_key(key).await?
        {
            return Ok(Some(stored));
        }
        let Some(whatsapp_id) = &new.whatsapp_id else {
            return Ok(None);
        };
        let row = message::Entity::find()
            .filter(message::Column::ConversationId.eq(new.conversation))
            .filter(message::Column::WhatsappId.eq(whatsapp_id.as_str()))
            .filter(message::Column::FromMe.eq(new.from_me))
            .filter(message::Column::Sender.eq(new.sender.as_str()))
            .one(&self.0.session)
            .await?;
        row.map(read).transpose()
    }

    pub(in crate::store) async fn change(&self, id: MessageId, change: message::ActiveModel) -> Result<(), StoreError> {
        let change = message::ActiveModel {
            updated_at: Set(self.0.now.0),
            ..change
        };
        message::Entity::update_many()
            .set(change)
            .filter(message::Column::Id.eq(id))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Returns a message and locks it until the commit: a state that is read here is still its state when the change
    /// that follows from it is stored, also when several processes write.
    pub async fn lock(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        let row = exclusive(&self.0.session, message::Entity::find_by_id(id));
        row.one(&self.0.session).await?.map(read).transpose()
    }

    /// Returns whether a message may not be sent any more at this time.
    pub async fn is_expired(&self, id: MessageId) -> Result<bool, StoreError> {
        let expires = self.need(id).await?.expires_at;
        Ok(expires.is_some_and(|at| at <= self.0.now.0))
    }

    pub(in crate::store) async fn need(&self, id: MessageId) -> Result<message::Model, StoreError> {
        let row = message::Entity::find_by_id(id).one(&self.0.session).await?;
        row.ok_or(StoreError::Missing { what: "message" })
    }
}
