//! Accounts that come and go, as people ask for it. What is asked is written down and told; the switchboard does it.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::bridge::core::accounts::{self, add_account, begin_removal, release_account};
use crate::bridge::core::refusal::Refusal;
use crate::domain::AccountId;
use crate::domain::account::Account;
use crate::domain::account::AccountName;
use crate::domain::linking::LinkChange;
use crate::domain::session::SessionState;
use crate::domain::whatsapp::{LoginMethod, WhatsApp};

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

    /// Notes that a device is to be linked; the codes appear in [`Self::session`].
    pub async fn login(&self, id: AccountId, method: LoginMethod) -> Result<(), Refusal> {
        self.want_link(id, LinkChange::Login(method)).await
    }

    /// Notes that the device is to be unlinked.
    pub async fn logout(&self, id: AccountId) -> Result<(), Refusal> {
        self.want_link(id, LinkChange::Logout).await
    }

    /// Notes that the session is to be taken over from another window.
    pub async fn take_over(&self, id: AccountId) -> Result<(), Refusal> {
        self.want_link(id, LinkChange::TakeOver).await
    }

    /// Writes down what the account's worker then brings about, unless the browser is known not to work.
    async fn want_link(&self, id: AccountId, change: LinkChange) -> Result<(), Refusal> {
        if let Some(line) = self.line(id) {
            let session = line.port.session().borrow().clone();
            if is_down(session.state) {
                return Err(down(session.detail));
            }
            line.link_failed.send_replace(None);
        }
        let is_driven = self.line(id).is_some();
        self.core
            .write((id, change, is_driven), |tx, (id, change, is_driven)| {
                async move {
                    if let Some(refusal) = accounts::refusal(tx, *id).await? {
                        return Err(refusal);
                    }
                    if !*is_driven
                        && let Some(account) = tx.accounts().get(*id).await?
                        && is_down(account.state)
                    {
                        return Err(down(account.detail));
                    }
                    Ok(tx.accounts().want_link(*id, change).await?)
                }
                .boxed()
            })
            .await
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

/// Whether there is nobody who could link or unlink a device, until a person has seen to it.
const fn is_down(state: SessionState) -> bool {
    matches!(
        state,
        SessionState::Failed | SessionState::Mismatch | SessionState::Restricted
    )
}

fn down(detail: Option<String>) -> Refusal {
    Refusal::Unavailable(detail.unwrap_or_else(|| "the page failed; see `crm status`".to_owned()))
}
