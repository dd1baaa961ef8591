//! Notices of trouble to the owner and the managers: its start is told once, and its end once (rule 21). Open troubles are kept in the
//! store, so that a restart tells nothing twice.

use std::time::Duration;

use futures_util::FutureExt;

use crate::domain::AccountId;
use crate::domain::account::Account;
use crate::domain::outbox::MatrixWork;
use crate::store::{NewWork, Store, StoreError, Tx};

use super::Core;
use super::policy::Policy;

/// Opens a trouble, or replaces the text of an open one. The owner is told after `wait`, unless it has ended by then.
pub(crate) async fn open(
    tx: &mut Tx,
    policy: &Policy,
    account: AccountId,
    key: &str,
    text: &str,
    wait: Duration,
) -> Result<(), StoreError> {
    let setting = setting(key);
    if tx.settings().get(&setting).await?.as_deref() == Some(text) {
        return Ok(());
    }
    tx.settings().set(&setting, Some(text)).await?;
    let work = work(policy, key, text, false);
    enqueue(tx, account, work, wait).await
}

/// Ends a trouble, if it is open. The owner is told of the end only if they were told of the trouble.
pub(crate) async fn end(
    tx: &mut Tx,
    policy: &Policy,
    account: AccountId,
    key: &str,
    text: &str,
) -> Result<(), StoreError> {
    if !is_open(tx, key).await? {
        return Ok(());
    }
    tx.settings().set(&setting(key), None).await?;
    let was_told = tx.settings().get(&told(key)).await?.is_some();
    tx.settings().set(&told(key), None).await?;
    if !was_told {
        return Ok(());
    }
    let work = work(policy, key, text, true);
    enqueue(tx, account, work, Duration::ZERO).await
}

/// Opens a trouble of the whole server, or ends it if `ends`. It is told in the name of the first account; without one there
/// is nobody to write to.
pub(crate) async fn of_server(core: &Core, key: &'static str, ends: bool, text: String) -> Result<(), StoreError> {
    core.write_with((key, ends, text), |tx, core, (key, ends, text)| {
        async move {
            let Some(account) = tx.accounts().present().await?.into_iter().next() else {
                return Ok(());
            };
            if *ends {
                end(tx, &core.policy, account.id, key, text).await
            } else {
                open(tx, &core.policy, account.id, key, text, Duration::ZERO).await
            }
        }
        .boxed()
    })
    .await
}

/// Returns the key of the trouble "this account does not work".
pub(crate) fn key_of(account: AccountId) -> String {
    format!("account.{account}")
}

/// Returns the keys of an account's possible troubles: the page reports nothing, it cannot read some chats, now or for
/// the import of history, the phone was not seen for long, and the account does not work.
fn of_account(account: AccountId) -> [String; 5] {
    let key = key_of(account);
    let [deaf, unread, import, warning] = ["deaf", "unread", "import", "warning"].map(|what| format!("{key}.{what}"));
    [deaf, unread, import, warning, key]
}

/// Returns the name of the setting that lists the chats that a trouble is about.
pub(crate) fn chats_of(key: &str) -> String {
    format!("trouble.{key}.chats")
}

/// Ends all troubles of a removed account.
pub(crate) async fn end_all(tx: &mut Tx, policy: &Policy, account: &Account) -> Result<(), StoreError> {
    let text = format!("WhatsApp ({}): the account was removed.", account.name);
    for key in of_account(account.id) {
        end(tx, policy, account.id, &key, &text).await?;
        tx.settings().set(&chats_of(&key), None).await?;
    }
    Ok(())
}

/// Returns whether a trouble is open, outside a transaction.
pub(crate) async fn stands(store: &Store, key: &str) -> Result<bool, StoreError> {
    Ok(store.settings().get(&setting(key)).await?.is_some())
}

/// Returns whether a trouble is open.
pub(crate) async fn is_open(tx: &mut Tx, key: &str) -> Result<bool, StoreError> {
    Ok(tx.settings().get(&setting(key)).await?.is_some())
}

/// Returns whether a notice is still true when its turn comes; one that is not is dropped.
pub(crate) async fn is_current(tx: &mut Tx, key: &str, text: &str) -> Result<bool, StoreError> {
    Ok(tx.settings().get(&setting(key)).await?.as_deref() == Some(text))
}

/// Stores that the owner was told of a trouble, so that they are also told of its end. Does nothing if it has ended.
pub(crate) async fn note_told(tx: &mut Tx, key: &str) -> Result<(), StoreError> {
    if is_open(tx, key).await? {
        tx.settings().set(&told(key), Some("yes")).await?;
    }
    Ok(())
}

fn setting(key: &str) -> String {
    format!("trouble.{key}")
}

fn told(key: &str) -> String {
    format!("trouble.{key}.told")
}

fn work(policy: &Policy, key: &str, text: &str, ends: bool) -> Option<MatrixWork> {
    policy.matrix.then(|| MatrixWork::Trouble {
        owner: policy.owner.clone(),
        key: key.to_owned(),
        text: text.to_owned(),
        ends,
    })
}

async fn enqueue(tx: &mut Tx, account: AccountId, work: Option<MatrixWork>, wait: Duration) -> Result<(), StoreError> {
    let Some(work) = work else { return Ok(()) };
    let due = tx.now().plus(wait);
    tx.outbox().enqueue(NewWork::for_account(account, work).at(due)).await?;
    Ok(())
}
