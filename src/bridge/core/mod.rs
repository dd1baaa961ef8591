//! Shared by every part of the bridge: the store, the vault, the clock, the random source and the policy. Durable state
//! changes only through the store.

pub(super) mod accounts;
pub(super) mod agents;
pub(super) mod clock;
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
pub(super) mod testing;
pub(super) mod trouble;
pub(super) mod typing;
pub(super) mod worker;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::domain::export::ExportRules;
use crate::domain::{AccountId, Clock, OutboxId};
use crate::store::{Fence, Holder, Restored, Store, StoreError, Tx};
use crate::vault::Vault;

use self::policy::Policy;
use self::random::Random;
use self::typing::Typing;

pub use self::worker::Progress;

/// Returns whether the process that holds an account still runs; `None` if this host cannot know.
pub type IsAlive = dyn Fn(&Holder) -> Option<bool> + Send + Sync;

/// Context that all parts of the bridge share; cheap to clone.
#[derive(Clone)]
pub struct Core {
    /// The database.
    pub store: Store,
    /// Storage of the media bytes.
    pub vault: Vault,
    /// Injected clock.
    pub clock: Arc<dyn Clock>,
    /// Injected random source.
    pub random: Random,
    /// The general policy, or that of one account after [`Self::of_account`].
    pub policy: Arc<Policy>,
    /// Bounds of the files of exports.
    pub exports: ExportRules,
    /// Policies of the accounts that have one of their own, by account name.
    policies: Arc<HashMap<String, Arc<Policy>>>,
    /// Random id of this database: Matrix transaction ids begin with it (rule 18).
    pub instance: Arc<str>,
    /// The backup from which the database was restored, if it was.
    pub restored: Option<Arc<Restored>>,
    /// Last outbox row that another login may have done in rooms, if rooms have moved from one to another.
    pub moved_work: Option<OutboxId>,
    /// Says of the process that holds an account what this host can know.
    pub is_alive: Arc<IsAlive>,
    /// People who type, by place.
    pub typing: Typing,
    /// Number of the rooms' events that were looked for and found, before the homeserver pushed them.
    pub caught_up: Arc<AtomicU64>,
    /// Account and fence of the lease under which this part works; each write checks it first (rule 26).
    lease: Option<(AccountId, Fence)>,
}

impl Core {
    /// Builds the context. Reads the instance's id from the store, or gives it one.
    pub async fn new(
        store: Store,
        vault: Vault,
        clock: Arc<dyn Clock>,
        random: Random,
        policy: Policy,
    ) -> Result<Self, StoreError> {
        let instance = store.settings().instance().await?;
        let restored = store.settings().restored().await?.map(Arc::new);
        let moved_work = store.settings().moved_work().await?;
        Ok(Self {
            store,
            vault,
            clock,
            random,
            policy: Arc::new(policy),
            exports: ExportRules::default(),
            policies: Arc::default(),
            instance: instance.into(),
            restored,
            moved_work,
            is_alive: Arc::new(|_: &Holder| None),
            typing: Typing::default(),
            caught_up: Arc::default(),
            lease: None,
        })
    }

    /// Returns this context with policies of single accounts, by account name.
    #[must_use]
    pub fn with_policies(self, policies: HashMap<String, Policy>) -> Self {
        let policies = policies.into_iter().map(|(name, policy)| (name, Arc::new(policy)));
        Self {
            policies: Arc::new(policies.collect()),
            ..self
        }
    }

    /// Returns this context with other bounds of the files of exports.
    #[must_use]
    pub fn exporting(self, exports: ExportRules) -> Self {
        Self { exports, ..self }
    }

    /// Returns this context with `is_alive`, which says whether the process that holds an account still runs.
    #[must_use]
    pub fn knowing_holders(self, is_alive: impl Fn(&Holder) -> Option<bool> + Send + Sync + 'static) -> Self {
        Self {
            is_alive: Arc::new(is_alive),
            ..self
        }
    }

    /// Returns the general policy, then those of the accounts that have one of their own.
    pub fn policies(&self) -> impl Iterator<Item = &Policy> {
        std::iter::once(&*self.policy).chain(self.policies.values().map(|policy| &**policy))
    }

    /// Returns the policy of the account of this name: its own, or the general one.
    pub fn policy_of(&self, account: &str) -> Arc<Policy> {
        Arc::clone(self.policies.get(account).unwrap_or(&self.policy))
    }

    /// Returns this context with the policy of the account of this name.
    #[must_use]
    pub fn of_account(&self, name: &str) -> Self {
        Self {
            policy: self.policy_of(name),
            ..self.clone()
        }
    }

    /// Returns this context under an account's lease: its writes fail with [`StoreError::LeaseLost`] once another
    /// process runs the account.
    #[must_use]
    pub fn driving(&self, account: AccountId, fence: Fence) -> Self {
        Self {
            lease: Some((account, fence)),
            ..self.clone()
        }
    }

    /// Returns the account of the lease, if there is one.
    pub fn account(&self) -> Option<AccountId> {
        self.lease.map(|(account, _)| account)
    }

    /// Runs [`Self::write`] with a closure that also borrows this context.
    pub async fn write_with<I, T, E, F>(&self, input: I, closure: F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx, &'t Self, &'t I) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write((self.clone(), input, closure), |tx, (core, input, closure)| {
            closure(tx, core, input)
        })
        .await
    }

    /// Runs [`Store::write`], under the lease if there is one. As there, the closure may run again: it borrows `input`
    /// and never consumes it.
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
                            // In the same transaction: from this check to the commit nobody can take the lease.
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
