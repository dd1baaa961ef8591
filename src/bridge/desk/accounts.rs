//! Requests about accounts: add, remove, link, unlink, release. Each is stored; the account manager and the account's
//! workers then do it.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::bridge::core::accounts::{self, begin_removal, rebind_account, release_account};
use crate::bridge::core::command::{Answered, Idempotency, check_key};
use crate::bridge::core::refusal::Refusal;
use crate::contract::AccountView;
use crate::domain::AccountId;
use crate::domain::account::Account;
use crate::domain::account::{AccountName, Binding};
use crate::domain::customer::PhoneNumber;
use crate::domain::linking::LinkChange;
use crate::domain::session::SessionState;
use crate::domain::whatsapp::{LoginMethod, WhatsApp};
use crate::store::Tx;

use super::handle::Desk;
use super::idempotency;

/// HTTP status of the answer to a new account ("created").
const CREATED: u16 = 201;

impl Desk {
    /// Adds an account, which starts at once. Returns it, or the stored answer of an earlier request with the same key.
    pub async fn add_account(
        &self,
        name: AccountName,
        idempotency: Option<Idempotency>,
    ) -> Result<Answered<Account>, Refusal> {
        check_key(idempotency.as_ref())?;
        let input = (name, idempotency, self.core.policy.matrix);
        let added = self.core.write(input, |tx, (name, asked, matrix)| {
            async move {
                if let Some(stored) = idempotency::earlier(tx, asked.as_ref()).await? {
                    return Ok(Answered::Replayed(stored));
                }
                let account = accounts::add(tx, name, *matrix).await?;
                let view = AccountView::from(&account);
                idempotency::store(tx, asked.as_ref(), CREATED, &view, None).await?;
                Ok::<_, Refusal>(Answered::New(account))
            }
            .boxed()
        });
        let added = added.await?;
        self.registry.ring();
        Ok(added)
    }

    /// Begins to remove an account. Its conversations stay.
    pub async fn remove_account(&self, id: AccountId, keep_profile: bool) -> Result<Account, Refusal> {
        let account = begin_removal(&self.core.store, id, keep_profile).await?;
        self.registry.ring();
        Ok(account)
    }

    /// Requests that a device is linked; the codes appear in [`Self::session`].
    pub async fn login(&self, id: AccountId, method: LoginMethod) -> Result<(), Refusal> {
        self.want_link(id, LinkChange::Login(method)).await
    }

    /// Requests that the device is unlinked.
    pub async fn logout(&self, id: AccountId) -> Result<(), Refusal> {
        self.want_link(id, LinkChange::Logout).await
    }

    /// Requests that the session is taken over from another window.
    pub async fn take_over(&self, id: AccountId) -> Result<(), Refusal> {
        self.want_link(id, LinkChange::TakeOver).await
    }

    /// Stores a request for the account's worker. Refused if the browser is known not to work, or the account was
    /// removed.
    async fn want_link(&self, id: AccountId, change: LinkChange) -> Result<(), Refusal> {
        if let Some(handle) = self.handle(id) {
            let session = handle.port.session().borrow().clone();
            if is_down(session.state) {
                return Err(down(session.detail));
            }
            handle.link_failed.send_replace(None);
        }
        // The session of an account that runs here is newer than its row.
        let trusts_row = self.handle(id).is_none();
        self.core
            .write((id, change, trusts_row), |tx, (id, change, trusts_row)| {
                async move { want_link(tx, *id, change, *trusts_row).await }.boxed()
            })
            .await
    }

    /// Releases the lease of an account whose process is gone, so that another data folder, such as this one, can run
    /// it.
    pub async fn release_account(&self, id: AccountId) -> Result<Account, Refusal> {
        if let Some(handle) = self.handle(id) {
            return Err(Refusal::Conflict(format!(
                "this server runs the account {}; stop the server, which releases it",
                handle.name
            )));
        }
        let account = release_account(&self.core.store, id, &*self.core.is_alive).await?;
        self.registry.ring();
        Ok(account)
    }

    /// Binds an account to another number, whose phone then has to scan the code.
    pub async fn rebind_account(&self, id: AccountId, phone: PhoneNumber) -> Result<Account, Refusal> {
        let account = rebind_account(&self.core.store, id, phone.clone()).await?;
        if let Some(handle) = self.handle(id) {
            // The stored number counts; the page learns it now and not at its next change.
            handle.port.bind(Binding::To(phone));
        }
        self.registry.ring();
        Ok(account)
    }

    /// Returns the connections to WhatsApp of all running accounts.
    pub fn ports(&self) -> Vec<Arc<dyn WhatsApp>> {
        self.registry.all().into_iter().map(|handle| handle.port).collect()
    }
}

/// Stores a request for an account's worker in a transaction. Refused if the account was removed, or, with `trusts_row`,
/// if its row says that its browser does not work.
pub(crate) async fn want_link(
    tx: &mut Tx,
    id: AccountId,
    change: &LinkChange,
    trusts_row: bool,
) -> Result<(), Refusal> {
    if let Some(refusal) = accounts::refusal(tx, id).await? {
        return Err(refusal);
    }
    if trusts_row
        && let Some(account) = tx.accounts().get(id).await?
        && is_down(account.state)
    {
        return Err(down(account.detail));
    }
    Ok(tx.accounts().want_link(id, change).await?)
}

/// Returns whether the account cannot serve a request until a person has repaired it.
pub(super) const fn is_down(state: SessionState) -> bool {
    matches!(
        state,
        SessionState::Failed | SessionState::Mismatch | SessionState::Restricted
    )
}

/// Returns the refusal for such an account: no later try helps, so it is no failure of the server.
fn down(detail: Option<String>) -> Refusal {
    Refusal::Conflict(detail.unwrap_or_else(|| "the page failed; see `crm status`".to_owned()))
}
