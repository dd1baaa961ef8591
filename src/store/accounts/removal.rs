//! Accounts that come and go. A row that is gone stays, because what was said through it does; added again under its name, it goes
//! on where it was.

use entity::{account, message, outbox};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::AccountId;
use crate::domain::account::Account;
use crate::domain::account::AccountName;
use crate::domain::message::{Direction, Message, MessageState};
use crate::domain::outbox::{OutboxItem, Target, WhatsAppWork};
use crate::domain::session::SessionState;
use crate::store::facet::Accounts;

use crate::store::{StoreError, Tx, accounts, messages, outbox as lanes};

/// What became of an account that was to be added.
#[derive(Clone, Debug, PartialEq)]
pub enum Added {
    New(Account),
    /// It was gone; its conversations, and the number that it is bound to, are as they were.
    Back(Account),
    /// There is one of this name.
    Taken(Account),
}

impl Accounts<'_, Tx> {
    pub async fn add(&self, name: &AccountName) -> Result<Added, StoreError> {
        let Some(known) = self.by_name(name.as_str()).await? else {
            return Ok(Added::New(self.create(name.as_str()).await?));
        };
        if known.removed_at.is_none() {
            return Ok(Added::Taken(known));
        }
        let change = account::ActiveModel {
            state: Set(SessionState::Starting.to_string()),
            detail: Set(None),
            removing_at: Set(None),
            keep_profile: Set(None),
            removed_at: Set(None),
            ..account::ActiveModel::default()
        };
        self.change(known.id, change).await?;
        self.need(known.id).await.and_then(accounts::read).map(Added::Back)
    }

    /// From here on nothing is accepted for this account; `None` when that is so already.
    pub async fn begin_removal(&self, id: AccountId, keep_profile: bool) -> Result<Option<Account>, StoreError> {
        // Held, so that whoever asks whether it may still be used and whoever takes it away come one after the other.
        let row = self.lock(id).await?;
        if row.removing_at.is_some() || row.removed_at.is_some() {
            return Ok(None);
        }
        let change = account::ActiveModel {
            removing_at: Set(Some(self.0.now.0)),
            keep_profile: Set(Some(keep_profile)),
            wanted: Set(None),
            wanted_phone: Set(None),
            ..account::ActiveModel::default()
        };
        self.change(id, change).await?;
        self.need(id).await.and_then(accounts::read).map(Some)
    }

    /// Messages of an account that are on their way to WhatsApp, the oldest first.
    pub async fn messages_under_way(&self, id: AccountId, limit: u64) -> Result<Vec<Message>, StoreError> {
        let states = [MessageState::Queued, MessageState::Sending];
        let rows = message::Entity::find()
            .filter(message::Column::AccountId.eq(id))
            .filter(message::Column::Direction.eq(Direction::Outbound.as_str()))
            .filter(message::Column::State.is_in(states.map(MessageState::as_str)))
            .order_by_asc(message::Column::Id)
            .limit(limit)
            .all(&self.0.session)
            .await?;
        rows.into_iter().map(messages::read).collect()
    }

    /// What waits for an account's WhatsApp, the oldest first.
    pub async fn waiting_work(&self, id: AccountId, limit: u64) -> Result<Vec<OutboxItem<WhatsAppWork>>, StoreError> {
        let rows = outbox::Entity::find()
            .filter(outbox::Column::Target.eq(Target::WhatsApp.as_str()))
            .filter(outbox::Column::AccountId.eq(id))
            .order_by_asc(outbox::Column::Id)
            .limit(limit)
            .all(&self.0.session)
            .await?;
        rows.into_iter().map(lanes::read_as).collect()
    }

    /// The account is gone: its lease is free, and what was handed over in its login can be looked up no more (rule 3).
    /// `None` when it was gone already.
    pub async fn finish_removal(&self, id: AccountId, detail: Option<&str>) -> Result<Option<Account>, StoreError> {
        let row = self.lock(id).await?;
        if row.removing_at.is_none() || row.removed_at.is_some() {
            return Ok(None);
        }
        let change = account::ActiveModel {
            state: Set(SessionState::LoggedOut.to_string()),
            detail: Set(detail.map(ToOwned::to_owned)),
            login: Set(row.login + 1),
            fence: Set(row.fence + 1),
            folder: Set(None),
            holder: Set(None),
            phone_seen_at: Set(None),
            removed_at: Set(Some(self.0.now.0)),
            ..account::ActiveModel::default()
        };
        self.change(id, change).await?;
        self.need(id).await.and_then(accounts::read).map(Some)
    }
}
