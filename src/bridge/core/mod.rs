//! What every part of the bridge shares: the store, the clock, chance and the desk's policy. Nothing here is mutable but through the store.

pub(super) mod accounts;
pub(super) mod agents;
pub(super) mod command;
pub(super) mod consent;
pub(super) mod lanes;
pub(super) mod names;
pub(super) mod notice;
pub(super) mod people;
pub(super) mod policy;
pub(super) mod random;
pub(super) mod reader;
pub(super) mod refusal;
pub(super) mod registry;
pub(super) mod state;
pub(super) mod syncs;
#[cfg(test)]
mod testing;
pub(super) mod trouble;
pub(super) mod worker;

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::domain::{AccountId, Clock};
use crate::store::{Fence, Holder, Restored, Store, StoreError, Tx};
use crate::vault::Vault;

use self::policy::Policy;
use self::random::Random;

pub use self::worker::Progress;

/// Shared by all parts of the bridge; cheap to clone.
#[derive(Clone)]
pub struct Core {
    pub store: Store,
    pub vault: Vault,
    pub clock: Arc<dyn Clock>,
    pub random: Random,
    pub policy: Arc<Policy>,
    /// Of accounts that have one of their own, by name.
    policies: Arc<HashMap<String, Arc<Policy>>>,
    /// Random, made with the database: transaction ids begin with it (rule 18).
    pub instance: Arc<str>,
    /// What the database was restored from, if it was.
    pub restored: Option<Arc<Restored>>,
    /// Tells whether a process that holds an account still lives, as far as can be known here.
    pub is_alive: Arc<dyn Fn(&Holder) -> bool + Send + Sync>,
    /// Under which lease this part works; each write checks it first (rule 26).
    lease: Option<(AccountId, Fence)>,
}

impl Core {
    /// Reads the instance's id from the store, or gives it one.
    pub async fn new(
        store: Store,
        vault: Vault,
        clock: Arc<dyn Clock>,
        random: Random,
        policy: Policy,
    ) -> Result<Self, StoreError> {
        let instance = store.settings().instance().await?;
        let restored = store.settings().restored().await?.map(Arc::new);
        Ok(Self {
            store,
            vault,
            clock,
            random,
            policy: Arc::new(policy),
            policies: Arc::default(),
            instance: instance.into(),
            restored,
            is_alive: Arc::new(|_| false),
            lease: None,
        })
    }

    /// The same, where some accounts have policies of their own.
    #[must_use]
    pub fn with_policies(self, policies: HashMap<String, Policy>) -> Self {
        let policies = policies.into_iter().map(|(name, policy)| (name, Arc::new(policy)));
        Self {
            policies: Arc::new(policies.collect()),
            ..self
        }
    }

    /// The same, where `is_alive` tells whether the process that holds an account still lives.
    #[must_use]
    pub fn knowing_holders(self, is_alive: impl Fn(&Holder) -> bool + Send + Sync + 'static) -> Self {
        Self {
            is_alive: Arc::new(is_alive),
            ..self
        }
    }

    /// The general policy, and those of accounts that have one of their own.
    pub fn policies(&self) -> impl Iterator<Item = &Policy> {
        std::iter::once(&*self.policy).chain(self.policies.values().map(|policy| &**policy))
    }

    /// The policy of the account of this name.
    pub fn policy_of(&self, account: &str) -> Arc<Policy> {
        Arc::clone(self.policies.get(account).unwrap_or(&self.policy))
    }

    /// The same, for what is done for the account of this name.
    #[must_use]
    pub fn of_account(&self, name: &str) -> Self {
        Self {
            policy: self.policy_of(name),
            ..self.clone()
        }
    }

    /// The same, for what drives an account: its writes fail with [`StoreError::LeaseLost`] once another process drives it.
    #[must_use]
    pub fn driving(&self, account: AccountId, fence: Fence) -> Self {
        Self {
            lease: Some((account, fence)),
            ..self.clone()
        }
    }

    /// Returns the account that is driven with this.
    pub fn account(&self) -> Option<AccountId> {
        self.lease.map(|(account, _)| account)
    }

    /// Runs [`Store::write`], under the lease if there is one. As there, the closure may run again: it borrows `input` and
    /// never consumes it.
    pub async fn write<I, T, E, F>(&self, input: I, closure: F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match self.lease {
            None => self.store.write(input, closure).await,
            Some((account, fence)) => {
                let fenced = (account, fence, input, closure);
                self.store
                    .write(fenced, |tx, (account, fence, input, closure)| {
                        async move {
                            tx.accounts().check_fence(*account, *fence).await?;
                            closure(tx, input).await
                        }
                        .boxed()
                    })
                    .await
            }
        }
    }
}
