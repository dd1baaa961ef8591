//! Removes an account: ends its workers, unlinks its device, closes its browser, fails its unsent messages with a
//! reason, and deletes its profile. Its conversations and messages stay. Each step can be repeated, so a crash between
//! two of them does no harm: the row says that the account is being removed, and the next start continues.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::timeout;

use crate::bridge::core::policy::Policy;
use crate::bridge::core::registry::AccountHandle;
use crate::bridge::core::{Core, state, trouble};
use crate::bridge::outbound::changes;
use crate::contract::Event;
use crate::domain::account::Account;
use crate::domain::message::MessageState;
use crate::domain::session::SessionState;
use crate::domain::whatsapp::WhatsApp;
use crate::store::{StoreError, Tx};

use super::manager::{AccountManager, BROWSER, DRAIN};

/// Upper bound of the time in which the page shows whether a device is linked.
const SETTLED: Duration = Duration::from_mins(1);
/// Upper bound of the messages, and of the outbox rows, that are settled in one transaction.
const BATCH: u64 = 100;

impl AccountManager {
    /// Removes an account whose row says so, and whose lease this server has. Returns the account as stored afterwards.
    pub async fn remove(&self, account: &Account) -> anyhow::Result<Account> {
        let unlinked = self.close_line(account).await?;
        settle(&self.core, account).await?;
        if !account.keep_profile {
            self.source.forget(&account.name).await?;
        }
        let gone = finish(&self.core, account, unlinked).await?;
        tracing::info!(account = account.name, "an account was removed");
        Ok(gone)
    }

    /// Ends what this server still runs of an account that another one has removed, as its own removal would have.
    pub(super) async fn leave_removed(&self, account: &Account) -> anyhow::Result<()> {
        if self.registry.get(account.id).is_none() {
            return Ok(());
        }
        if let Err(todo) = self.close_line(account).await? {
            tracing::warn!(account = account.name, "{todo}");
        }
        if !account.keep_profile {
            self.source.forget(&account.name).await?;
        }
        Ok(())
    }

    /// Ends the account's workers and browser, and unlinks its device. The inner error says what a person must do when
    /// the device could not be unlinked.
    async fn close_line(&self, account: &Account) -> anyhow::Result<Result<(), String>> {
        let tasks = self.tasks.group();
        let port = match self.end_workers(account.id, DRAIN).await {
            Some(handle) => handle.port,
            None if self.source.has_profile(&account.name) => {
                // Opening the profile finds and ends a browser that an earlier process has left behind. The idle handle
                // is registered so that a shutdown meanwhile closes this browser too.
                let port = self.source.open(&account.name, &tasks)?;
                self.registry.put(AccountHandle::idle(account, port.clone()));
                port
            }
            None => return Ok(Ok(())),
        };
        let unlinked = if account.keep_profile {
            Ok(())
        } else {
            // No phone was ever linked, so nobody has to unlink anything.
            unlink(port.as_ref()).await.or_else(|todo| match account.phone {
                Some(_) => Err(todo),
                None => Ok(()),
            })
        };
        port.close(BROWSER).await;
        tasks.shutdown(DRAIN).await;
        self.registry.take(account.id);
        Ok(unlinked)
    }
}

/// Unlinks the device, if there is one. The error says what a person must do.
async fn unlink(port: &dyn WhatsApp) -> Result<(), String> {
    let mut session = port.session();
    let settled = timeout(
        SETTLED,
        session.wait_for(|session| {
            session.state.has_device() || session.state.needs_login() || session.state == SessionState::Failed
        }),
    );
    let state = match settled.await {
        Ok(Ok(session)) => session.state,
        _ => SessionState::Failed,
    };
    if state.needs_login() && state != SessionState::WrongNumber {
        return Ok(());
    }
    if state.has_device() {
        match port.logout().await {
            Ok(()) => return Ok(()),
            Err(error) => tracing::warn!("a device could not be unlinked: {error}"),
        }
    }
    Err("the device could not be unlinked; unlink it on the phone: WhatsApp, Linked devices".to_owned())
}

/// Fails all unsent messages and pending changes of an account, with a reason.
async fn settle(core: &Core, account: &Account) -> Result<(), StoreError> {
    loop {
        let input = (core.policy_of(&account.name), account.clone());
        let settled = core.write(input, |tx, (policy, account)| {
            async move { settle_some(tx, policy, account).await }.boxed()
        });
        if settled.await? == 0 {
            return Ok(());
        }
    }
}

/// Settles one batch. Returns the number of messages and outbox rows that were settled; 0 when none is left.
async fn settle_some(tx: &mut Tx, policy: &Policy, account: &Account) -> Result<usize, StoreError> {
    let messages = tx.accounts().messages_under_way(account.id, BATCH).await?;
    for message in &messages {
        let (state, why) = match message.state {
            MessageState::Sending => (
                MessageState::Unknown,
                format!(
                    "the account {} was removed before WhatsApp had confirmed it",
                    account.name
                ),
            ),
            _ => (
                MessageState::Failed,
                format!("the account {} was removed before it was sent", account.name),
            ),
        };
        let failure = state::failure("account_removed", &why);
        state::set_state(tx, policy, message, state, Some(&failure)).await?;
    }
    let work = tx.accounts().waiting_work(account.id, BATCH).await?;
    for item in &work {
        tx.outbox().finish(item.id).await?;
        let why = format!("the account {} was removed", account.name);
        if let (id, Some((change, _))) = changes::wanted(&item.work)
            && let Some(message) = tx.messages().get(id).await?
        {
            changes::refuse(tx, policy, &message, &change, ("account_removed", &why)).await?;
        }
    }
    Ok(messages.len() + work.len())
}

async fn finish(core: &Core, account: &Account, unlinked: Result<(), String>) -> Result<Account, StoreError> {
    let input = (core.policy_of(&account.name), account.id, unlinked.err());
    let gone = core.write(input, |tx, (policy, id, detail)| {
        async move {
            let Some(gone) = tx.accounts().finish_removal(*id, detail.as_deref()).await? else {
                return Ok::<_, StoreError>(None);
            };
            trouble::end_all(tx, policy, &gone).await?;
            tx.emit(Event::account_removed(&gone));
            Ok(Some(gone))
        }
        .boxed()
    });
    Ok(gone.await?.unwrap_or_else(|| account.clone()))
}
