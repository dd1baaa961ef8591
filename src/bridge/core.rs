//! What every part of the bridge shares: the store, the clock, chance, the desk's policy, and the bell that says that there
//! may be work. Nothing here is mutable but through the store.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;

use crate::domain::history::HistoryDepth;
use crate::domain::media::MediaRules;
use crate::domain::pace::Pace;
use crate::domain::{AccountId, Clock, MatrixUserId};
use crate::store::{Fence, Store, StoreError, Tx};
use crate::vault::Vault;

/// How the desk behaves, decided once by the configuration.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whether there is a homeserver: without one, no work for rooms is written down.
    pub matrix: bool,
    /// Those whose words go out to customers.
    pub agents: Vec<MatrixUserId>,
    /// Who is told of trouble.
    pub owner: Option<MatrixUserId>,
    pub read: ReadMode,
    /// How long after a message its chat is marked as read, in [`ReadMode::Auto`].
    pub read_delay: RangeInclusive<Duration>,
    /// The pause between two sends of one account.
    pub spacing: RangeInclusive<Duration>,
    /// A text that could not be handed over for this long is not sent any more (`RULES` 4); none: it waits for ever.
    pub send_expires: Option<Duration>,
    /// First contacts, quiet hours, and the words of those who do not want to be written to.
    pub pace: Pace,
    pub media: MediaRules,
    /// How much of what is older than the first login is imported, where nobody says otherwise.
    pub history: HistoryDepth,
}

/// When customers see that their message was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadMode {
    /// A random moment after the message, and before a reply.
    Auto,
    /// When an agent has read or answered it.
    Agent,
    Never,
}

/// Chance, injected: a seed makes a run repeatable.
#[derive(Clone)]
pub struct Random(Arc<Mutex<StdRng>>);

impl Random {
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// A span within the range, both ends included.
    pub fn span(&self, range: &RangeInclusive<Duration>) -> Duration {
        let (from, to) = (as_millis(*range.start()), as_millis(*range.end()));
        if from >= to {
            return Duration::from_millis(from);
        }
        // A poisoned lock means that another thread panicked while drawing; the generator is still a generator.
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Duration::from_millis(rng.random_range(from..=to))
    }

    /// 24 letters and digits that nobody can guess.
    pub fn word(&self) -> String {
        const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (0..24)
            .map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())]))
            .collect()
    }
}

fn as_millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// The bell: rung after each write, so that relays look at once. A lost ring costs a second, never a message.
#[derive(Clone)]
pub struct Bell(watch::Sender<()>);

impl Bell {
    pub fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    pub fn ring(&self) {
        self.0.send_replace(());
    }

    pub fn listen(&self) -> watch::Receiver<()> {
        self.0.subscribe()
    }
}

impl Default for Bell {
    fn default() -> Self {
        Self::new()
    }
}

/// What a step of a worker has done: the simulation and the tests run a worker until it is idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    Worked,
    Idle,
}

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
    pub bell: Bell,
    /// Random, made with the database: transaction ids begin with it (`RULES` 18).
    pub instance: Arc<str>,
    /// Under which lease this part works; each write checks it first (`RULES` 26).
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
        let instance = store.instance().await?;
        Ok(Self {
            store,
            vault,
            clock,
            random,
            policy: Arc::new(policy),
            policies: Arc::default(),
            bell: Bell::new(),
            instance: instance.into(),
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

    /// The general policy, and those of accounts that have one of their own.
    pub fn policies(&self) -> impl Iterator<Item = &Policy> {
        std::iter::once(&*self.policy).chain(self.policies.values().map(|policy| &**policy))
    }

    /// The policy of the account of this name.
    pub fn policy_of(&self, account: &str) -> Arc<Policy> {
        self.policies.get(account).unwrap_or(&self.policy).clone()
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

    /// [`Store::write`], then rings the bell.
    pub async fn write<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let answer = match self.lease {
            None => self.store.write(closure).await,
            Some((account, fence)) => {
                let closure = Arc::new(closure);
                let fenced = self.store.write(move |tx| {
                    let closure = closure.clone();
                    async move {
                        tx.check_fence(account, fence).await?;
                        closure(tx).await
                    }
                    .boxed()
                });
                fenced.await
            }
        };
        if answer.is_ok() {
            self.bell.ring();
        }
        answer
    }
}
