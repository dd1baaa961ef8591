//! The WhatsApp numbers that we drive, and who drives them.

use crate::domain::account::Account;
use crate::domain::customer::PhoneNumber;
use crate::domain::session::SessionState;
use crate::domain::{AccountId, Timestamp};

use super::{Store, StoreError, Tx};

/// Who wants to drive an account: a process on a profile folder (`RULES` 26).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The profile folder, unique across hosts: an account moves only within the same folder.
    pub folder: String,
    /// The process, for people to read.
    pub process: String,
}

/// Says which taking of an account's lease a process works under; a later taking makes it worthless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fence(pub i64);

impl Store {
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        todo!()
    }

    pub async fn account_by_name(&self, name: &str) -> Result<Option<Account>, StoreError> {
        todo!()
    }

    /// All of them, the first made first.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        todo!()
    }
}

impl Tx {
    pub async fn account(&mut self, id: AccountId) -> Result<Option<Account>, StoreError> {
        todo!()
    }

    /// All accounts by id.
    pub async fn accounts(&mut self) -> Result<Vec<Account>, StoreError> {
        todo!()
    }

    pub async fn account_by_name(&mut self, name: &str) -> Result<Option<Account>, StoreError> {
        todo!()
    }

    /// Makes an account, or gives the one of this name.
    pub async fn create_account(&mut self, name: &str) -> Result<Account, StoreError> {
        todo!()
    }

    /// Writes the session's state down; tells whether that changed anything.
    pub async fn set_session(
        &mut self,
        id: AccountId,
        state: SessionState,
        detail: Option<&str>,
    ) -> Result<bool, StoreError> {
        todo!()
    }

    /// Binds an account to its first number (`RULES` 7); a bound account stays as it is.
    pub async fn bind_phone(&mut self, id: AccountId, phone: &PhoneNumber) -> Result<(), StoreError> {
        todo!()
    }

    /// Sets the moment before which everything is history (`RULES` 9); stays as it is once set.
    pub async fn set_watermark(&mut self, id: AccountId, at: Timestamp) -> Result<(), StoreError> {
        todo!()
    }

    /// Begins a new login (`RULES` 3) and gives its number.
    pub async fn next_login(&mut self, id: AccountId) -> Result<i64, StoreError> {
        todo!()
    }

    /// Takes an account's lease. The caller holds the folder's kernel lock, so whoever held the lease before is gone.
    /// Refused with [`StoreError::LeaseElsewhere`] when the account lives in another folder.
    pub async fn take_lease(&mut self, id: AccountId, holder: &Holder) -> Result<Fence, StoreError> {
        todo!()
    }

    /// Refuses with [`StoreError::LeaseLost`] when the lease was taken again since. Holds it until the commit.
    pub async fn check_fence(&mut self, id: AccountId, fence: Fence) -> Result<(), StoreError> {
        todo!()
    }

    /// Lets an account go, so that it may be driven from another folder.
    pub async fn release_lease(&mut self, id: AccountId) -> Result<(), StoreError> {
        todo!()
    }
}
