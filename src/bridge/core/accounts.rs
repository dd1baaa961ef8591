//! Adds, removes and releases accounts in the store; the account manager then does the work. Also says whether an
//! account may be used, and by which policy.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::contract::Event;
use crate::domain::AccountId;
use crate::domain::account::Account;
use crate::domain::account::AccountName;
use crate::domain::customer::PhoneNumber;
use crate::domain::outbox::MatrixWork;
use crate::store::{Added, Holder, NewWork, Store, StoreError, Tx};

use super::policy::Policy;
use super::refusal::{Refusal, not_found};
use super::{Core, IsAlive};

/// Adds an account, or brings back a removed one of this name. `matrix`: whether a homeserver is configured. Refused
/// while the name is in use, or its number belongs to another account.
pub async fn add_account(store: &Store, name: AccountName, matrix: bool) -> Result<Account, Refusal> {
    let added = store.write((name, matrix), |tx, (name, matrix)| {
        async move { add(tx, name, *matrix).await }.boxed()
    });
    added.await
}

/// Adds an account in a transaction, as [`add_account`].
pub(crate) async fn add(tx: &mut Tx, name: &AccountName, matrix: bool) -> Result<Account, Refusal> {
    match tx.accounts().add(name).await? {
        Added::New(account) | Added::Back(account) => {
            check_number(tx, &account, "choose another name").await?;
            note_added(tx, &account, matrix).await?;
            Ok(account)
        }
        Added::Taken(account) if account.is_in_use() => Err(Refusal::Conflict(format!(
            "there is an account {name} already; choose another name"
        ))),
        Added::Taken(_) => Err(Refusal::Conflict(format!(
            "the account {name} is still being removed; add it again when that is done"
        ))),
    }
}

/// Tells of a new account. `matrix`: whether a homeserver is configured.
pub(crate) async fn note_added(tx: &mut Tx, account: &Account, matrix: bool) -> Result<(), StoreError> {
    // From the second account on, rooms name theirs.
    if matrix && tx.accounts().present().await?.len() == 2 {
        update_rooms(tx, MAX_RENAMED).await?;
    }
    tx.emit(Event::account_added(account));
    Ok(())
}

/// Stores that an account is to be removed; from then on nothing is accepted for it. A repeat returns the same removal.
pub async fn begin_removal(store: &Store, id: AccountId, keep_profile: bool) -> Result<Account, Refusal> {
    let removing = store.write((id, keep_profile), |tx, &(id, keep_profile)| {
        async move {
            if let Some(account) = tx.accounts().begin_removal(id, keep_profile).await? {
                tx.emit(Event::account_state(&account));
                return Ok(account);
            }
            tx.accounts().get(id).await?.ok_or_else(|| not_found("account", id))
        }
        .boxed()
    });
    removing.await
}

/// Returns whether the process that holds an account still runs: as this host knows, else by its heartbeat.
pub async fn runs(store: &Store, is_alive: &IsAlive, holder: &Holder) -> Result<bool, StoreError> {
    match is_alive(holder) {
        Some(runs) => Ok(runs),
        None => store.accounts().is_beating(&holder.folder).await,
    }
}

/// Releases the lease of an account that no process runs any more, so that another data folder can run it, and the rooms if
/// that process kept them. Refused if the holder still runs.
pub async fn release_account(store: &Store, id: AccountId, is_alive: &IsAlive) -> Result<Account, Refusal> {
    let lease = store.accounts().lease(id).await?;
    let account = store
        .accounts()
        .get(id)
        .await?
        .ok_or_else(|| not_found("account", id))?;
    let Some(lease) = lease else { return Ok(account) };
    if runs(store, is_alive, &lease.holder).await? {
        return Err(Refusal::Conflict(format!(
            "the account {} is driven by {}; stop that first; if it is gone for good, try again in three minutes",
            account.name, lease.holder.process
        )));
    }
    let released = store.write::<_, _, StoreError, _>((id, lease), |tx, (id, lease)| {
        async move {
            let released = tx.accounts().release_lease(*id, lease.fence).await?;
            if released {
                tx.settings().release_rooms(&lease.holder.folder).await?;
            }
            Ok(released)
        }
        .boxed()
    });
    if released.await? {
        return Ok(account);
    }
    Err(Refusal::Conflict(format!(
        "another process has just started the account {}; see `crm account list`",
        account.name
    )))
}

/// Releases the rooms of a process that is gone, so that another data folder can keep them. Returns the process that kept them.
/// Refused if it still runs.
pub async fn release_rooms(store: &Store, is_alive: &IsAlive) -> Result<Option<Holder>, Refusal> {
    let Some(holder) = store.settings().rooms_holder().await? else {
        return Ok(None);
    };
    if runs(store, is_alive, &holder).await? {
        return Err(Refusal::Conflict(format!(
            "the rooms are kept by {}; stop that first; if it is gone for good, try again in three minutes",
            holder.process
        )));
    }
    store
        .write::<_, _, StoreError, _>(holder.folder.clone(), |tx, folder| {
            async move { tx.settings().release_rooms(folder).await }.boxed()
        })
        .await?;
    Ok(Some(holder))
}

/// Binds an account to another number, whose phone then has to scan the code; conversations and rooms stay. Does nothing if
/// it is the account's number already. Refused if the account was removed, or another account has the number.
pub async fn rebind_account(store: &Store, id: AccountId, phone: PhoneNumber) -> Result<Account, Refusal> {
    let rebound = store.write((id, phone), |tx, (id, phone)| {
        async move {
            let account = tx.accounts().get(*id).await?.ok_or_else(|| not_found("account", *id))?;
            if let Some(refusal) = refusal(tx, *id).await? {
                return Err(refusal);
            }
            if account.phone.as_ref() == Some(phone) {
                return Ok(account);
            }
            let wanted = Account {
                phone: Some(phone.clone()),
                ..account
            };
            check_number(tx, &wanted, "give another number").await?;
            tx.accounts().rebind_phone(*id, phone).await?;
            let account = tx.accounts().get(*id).await?.ok_or_else(|| not_found("account", *id))?;
            tx.emit(Event::account_state(&account));
            Ok(account)
        }
        .boxed()
    });
    rebound.await
}

/// Queues an update of name, topic and members of at most `limit` rooms, those of the most recent conversations.
pub(crate) async fn update_rooms(tx: &mut Tx, limit: u64) -> Result<(), StoreError> {
    for (conversation, account) in tx.rooms().with_conversations(limit).await? {
        let work = NewWork::for_conversation(account, conversation, MatrixWork::UpdateRoom);
        tx.outbox().enqueue(work).await?;
    }
    Ok(())
}

/// Refuses an account whose number belongs to another account now, which can happen to one that is brought back.
async fn check_number(tx: &mut Tx, account: &Account, else_do: &str) -> Result<(), Refusal> {
    let accounts = tx.accounts().present().await?;
    let same = |other: &&Account| other.id != account.id && account.phone.is_some() && other.phone == account.phone;
    match accounts.iter().find(same) {
        None => Ok(()),
        Some(other) => Err(Refusal::Conflict(format!(
            "the number of the account {} belongs to the account {} now; remove that first, or {else_do}",
            account.name, other.name
        ))),
    }
}

/// Upper bound of the rooms that are renamed at once, because from the second account on rooms name their account; the
/// others are renamed at their next change.
const MAX_RENAMED: u64 = 500;

/// Returns why nothing can be done by an account, if nothing can: it was removed, or an outside gateway drives it.
pub(crate) async fn refusal(tx: &mut Tx, id: AccountId) -> Result<Option<Refusal>, StoreError> {
    let account = tx.accounts().locked(id).await?;
    Ok(refusal_of(&account))
}

/// Returns an account that can send; fails with its [`refusal`] otherwise.
pub(crate) async fn usable(tx: &mut Tx, id: AccountId) -> Result<Account, Refusal> {
    let account = tx.accounts().locked(id).await?;
    match refusal_of(&account) {
        Some(refusal) => Err(refusal),
        None => Ok(account),
    }
}

fn refusal_of(account: &Account) -> Option<Refusal> {
    if account.is_in_use() && account.is_gateway() {
        return Some(Refusal::Conflict(format!(
            "an outside gateway drives the account {}, so this cannot be answered from here yet; do it at the gateway",
            account.name
        )));
    }
    removal(account)
}

/// Returns the refusal of an account that was removed.
pub(crate) fn removal(account: &Account) -> Option<Refusal> {
    (!account.is_in_use()).then(|| {
        Refusal::Conflict(format!(
            "the account {name} was removed; `crm account add {name}` brings it back",
            name = account.name
        ))
    })
}

/// Returns the policy of an account.
pub(crate) async fn policy(tx: &mut Tx, core: &Core, id: AccountId) -> Result<Arc<Policy>, StoreError> {
    let account = tx
        .accounts()
        .get(id)
        .await?
        .ok_or(StoreError::Missing { what: "account" })?;
    Ok(core.policy_of(&account.name))
}
