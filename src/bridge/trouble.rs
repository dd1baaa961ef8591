//! Trouble is told to the owner once, and its end once (`RULES` 21). What is open is kept in the store, so that a restart
//! tells nothing twice.

use std::time::Duration;

use crate::domain::AccountId;
use crate::domain::outbox::{Target, Work};
use crate::store::{NewWork, StoreError, Tx};

use super::core::Policy;

/// Opens a trouble, or says what it has become; told `wait` from now, unless it has ended by then.
pub(super) async fn open(
    tx: &mut Tx,
    policy: &Policy,
    account: AccountId,
    key: &str,
    text: &str,
    wait: Duration,
) -> Result<(), StoreError> {
    let setting = setting(key);
    if tx.setting(&setting).await?.as_deref() == Some(text) {
        return Ok(());
    }
    tx.set_setting(&setting, Some(text)).await?;
    enqueue(tx, policy, account, key, text, wait).await
}

/// Ends a trouble, if it is open.
pub(super) async fn end(
    tx: &mut Tx,
    policy: &Policy,
    account: AccountId,
    key: &str,
    text: &str,
) -> Result<(), StoreError> {
    let setting = setting(key);
    if tx.setting(&setting).await?.is_none() {
        return Ok(());
    }
    tx.set_setting(&setting, None).await?;
    enqueue(tx, policy, account, key, text, Duration::ZERO).await
}

/// Whether a notice is still true when its turn comes: one that is not is left unsaid.
pub(super) async fn is_current(tx: &mut Tx, key: &str, text: &str) -> Result<bool, StoreError> {
    Ok(tx.setting(&setting(key)).await?.is_none_or(|open| open == text))
}

fn setting(key: &str) -> String {
    format!("trouble.{key}")
}

async fn enqueue(
    tx: &mut Tx,
    policy: &Policy,
    account: AccountId,
    key: &str,
    text: &str,
    wait: Duration,
) -> Result<(), StoreError> {
    let (true, Some(owner)) = (policy.matrix, policy.owner.clone()) else {
        return Ok(());
    };
    let work = Work::Trouble {
        owner,
        key: key.to_owned(),
        text: text.to_owned(),
    };
    let due = tx.now().plus(wait);
    tx.enqueue(NewWork::for_account(Target::Matrix, account, work).at(due))
        .await?;
    Ok(())
}
