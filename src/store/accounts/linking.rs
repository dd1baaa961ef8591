//! Requests of people about an account's link to its phone, stored in the account's row.

use entity::account;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::domain::linking::{LinkChange, LinkWord, WantedLink};
use crate::domain::whatsapp::LoginMethod;
use crate::domain::{AccountId, Timestamp};
use crate::store::facet::Accounts;

use crate::store::database::row::word;
use crate::store::{Store, StoreError, Tx, WorkFor};

impl Accounts<'_, Store> {
    /// Returns the open request about an account's link.
    pub async fn wanted_link(&self, id: AccountId) -> Result<Option<WantedLink>, StoreError> {
        let row = account::Entity::find_by_id(id).one(self.0.readers()).await?;
        row.map_or(Ok(None), |row| read(&row))
    }
}

impl Accounts<'_, Tx> {
    /// Stores a request about an account's link. Replaces the one before it.
    pub async fn want_link(&self, id: AccountId, change: &LinkChange) -> Result<(), StoreError> {
        let phone = match change {
            LinkChange::Login(LoginMethod::PairingCode(phone)) => Some(phone.as_str().to_owned()),
            LinkChange::Login(LoginMethod::Qr) | LinkChange::Logout | LinkChange::TakeOver => None,
        };
        let before = self.need(id).await?.wanted_at;
        let change = account::ActiveModel {
            wanted: Set(Some(change.word().to_string())),
            wanted_phone: Set(phone),
            // Each request gets a time of its own, because the time identifies it.
            wanted_at: Set(Some(before.map_or(self.0.now.0, |before| self.0.now.0.max(before + 1)))),
            ..account::ActiveModel::default()
        };
        self.0.wake(WorkFor::Linking(id));
        self.change(id, change).await
    }

    /// Ends the request of time `at`, unless another has replaced it. Returns whether it was ended.
    pub async fn end_wanted_link(&self, id: AccountId, at: Timestamp) -> Result<bool, StoreError> {
        // `wanted_at` stays, so that the next request gets a later time.
        let ended = account::Entity::update_many()
            .set(account::ActiveModel {
                wanted: Set(None),
                wanted_phone: Set(None),
                ..account::ActiveModel::default()
            })
            .filter(account::Column::Id.eq(id))
            .filter(account::Column::Wanted.is_not_null())
            .filter(account::Column::WantedAt.eq(at.0))
            .exec(&self.0.session)
            .await?;
        Ok(ended.rows_affected > 0)
    }
}

fn read(row: &account::Model) -> Result<Option<WantedLink>, StoreError> {
    let (Some(wanted), Some(at)) = (&row.wanted, row.wanted_at) else {
        return Ok(None);
    };
    let change = match (word("accounts", wanted)?, &row.wanted_phone) {
        (LinkWord::Login, None) => LinkChange::Login(LoginMethod::Qr),
        (LinkWord::Login, Some(phone)) => LinkChange::Login(LoginMethod::PairingCode(word("accounts", phone)?)),
        (LinkWord::Logout, _) => LinkChange::Logout,
        (LinkWord::TakeOver, _) => LinkChange::TakeOver,
    };
    Ok(Some(WantedLink {
        change,
        at: Timestamp(at),
    }))
}
