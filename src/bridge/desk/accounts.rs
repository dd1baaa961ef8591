//! Accounts that come and go, as people ask for it. What is asked is written down and told; the switchboard does it.

use std::sync::Arc;

use crate::bridge::core::accounts::{add_account, begin_removal, release_account};
use crate::bridge::core::refusal::Refusal;
use crate::domain::AccountId;
use crate::domain::account::Account;
use crate::domain::account_name::AccountName;
use crate::domain::whatsapp::WhatsApp;

use super::handle::Desk;

impl Desk {
    /// Adds an account; it is driven at once.
    pub async fn add_account(&self, name: AccountName) -> Result<Account, Refusal> {
        let account = add_account(&self.core.store, name, self.core.policy.matrix).await?;
        self.board.ring();
        Ok(account)
    }

    /// Begins to take an account away. What was said through it stays.
    pub async fn remove_account(&self, id: AccountId, keep_profile: bool) -> Result<Account, Refusal> {
        let account = begin_removal(&self.core.store, id, keep_profile).await?;
        self.board.ring();
        Ok(account)
    }

    /// Lets an account go whose holder is gone, so that it may be driven from another data folder, and so from this one.
    pub async fn release_account(&self, id: AccountId) -> Result<Account, Refusal> {
        if let Some(line) = self.line(id) {
            return Err(Refusal::Conflict(format!(
                "this server drives the account {}; stop it, and it lets go of it",
                line.name
            )));
        }
        let account = release_account(&self.core.store, id, &*self.core.is_alive).await?;
        self.board.ring();
        Ok(account)
    }

    /// The ways to WhatsApp that are up.
    pub fn ports(&self) -> Vec<Arc<dyn WhatsApp>> {
        self.board.all().into_iter().map(|line| line.port).collect()
    }
}
