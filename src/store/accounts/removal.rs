//! Adding and removing accounts. The row of a removed account stays, because its messages do. When the account is added
//! again under its name, it continues where it was.

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

/// Result of adding an account.
#[derive(Clone, Debug, PartialEq)]
pub enum Added {
    /// The account is new.
    New(Account),
    /// The account had been removed; its conversations and its bound number are as before.
    Back(Account),
    /// An account of this name exists already.
    Taken(Account),
}

impl Accounts<'_, Tx> {
    /// Adds an account, or restores the removed account of this name.
    pub async fn add(&self, name: &AccountName) -> Result<Added, StoreError> {
        let Some(known) = self.by_name(name.as_str()).await? else {
            return Ok(Added::New(self.create(name.as_str()).await?));
        };
        if known.removed_at.is_none() {
            return Ok(Added::Taken(known));
        }
        let (state, detail) = accounts::begin(known.kind);
        let change = account::ActiveModel {
            state: Set(state.to_string()),
            detail: Set(detail.map(ToOwned::to_owned)),
            removing_at: Set(None),
            keep_profile: Set(None),
            removed_at: Set(None),
            ..account::ActiveModel::default()
        };
        self.change(known.id, change).await?;
        self.need(known.id).await.and_then(accounts::read).map(Added::Back)
    }

    /// Begins the removal of an account: it accepts nothing from now on. Returns `None` if the removal has begun
    /// already.
    pub async fn begin_removal(&self, id: AccountId, keep_profile: bool) -> Result<Option<Account>, StoreError> {
        // Locked, so that a check of [`Account::is_in_use`] in another transaction comes before or after, never at the
        // same time.
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

    /// Returns an account's messages that are for later, queued or being sent, at most `limit`.
    pub async fn messages_under_way(&self, id: AccountId, limit: u64) -> Result<Vec<Message>, StoreError> {
        let mut found = Vec::new();
        let under_way = [
            MessageState::Scheduled,
            MessageState::Held,
            MessageState::Queued,
            MessageState::Sending,
        ];
        for state in under_way {
            let rows = message::Entity::find()
                .filter(message::Column::AccountId.eq(id))
                .filter(message::Column::State.eq(state.as_str()))
                .filter(message::Column::Direction.eq(Direction::Outbound.as_str()))
                .order_by_asc(message::Column::ExpiresAt)
                .order_by_asc(message::Column::Id)
                .limit(limit.saturating_sub(found.len() as u64))
                .all(&self.0.session)
                .await?;
            found.extend(rows);
        }
        found.into_iter().map(messages::read).collect()
    }

    /// Returns an account's waiting work for WhatsApp, earliest first, at most `limit`.
    pub async fn waiting_work(&self, id: AccountId, limit: u64) -> Result<Vec<OutboxItem<WhatsAppWork>>, StoreError> {
        let rows = outbox::Entity::find()
            .filter(outbox::Column::Target.eq(Target::WhatsApp.as_str()))
            .filter(outbox::Column::AccountId.eq(id))
            .order_by_asc(outbox::Column::NotBefore)
            .order_by_asc(outbox::Column::Id)
            .limit(limit)
            .all(&self.0.session)
            .await?;
        rows.into_iter().map(lanes::read_as).collect()
    }

    /// Ends the removal of an account: its lease is free, and messages of its login cannot be looked up any more
    /// (rule 3). Returns `None` if the removal had not begun, or was ended already.
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
