//! `crm serve`: the only place that builds everything, and takes it apart in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use futures_util::FutureExt as _;
use rand::TryRng as _;
use rand::rngs::SysRng;

use super::home::Home;
use super::signals::Signals;
use super::{Exit, Fault, Shell, housekeeping, ports};
use crate::api::{ApiState, Parts, Server, SocketLimits};
use crate::bridge::{self, Core, Desk, Drive, Policy, Random, ReadMode};
use crate::config::{self, Config};
use crate::domain::account::DEFAULT_ACCOUNT;
use crate::domain::matrix::Matrix;
use crate::domain::media::MediaRules;
use crate::domain::whatsapp::WhatsApp;
use crate::domain::{AccountId, MatrixUserId};
use crate::store::{Fence, Holder, Store, StoreError};
use crate::supervisor::Supervisor;

/// How long the workers may take to finish what they have in hand.
const DRAIN: Duration = Duration::from_secs(20);
/// How long a browser may take to end.
const BROWSER: Duration = Duration::from_secs(10);

/// Run the server
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
}

impl Serve {
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let config = &shell.config;
        let mut signals = Signals::listen()?;
        let home = Home::open(config, "crm serve").await?;
        home.admin_key().await?;
        let server = bind(config.listen).await?;
        let address = server.address()?;
        let assembly = Assembly::start(home, config).await?;
        let state = ApiState::new(Parts {
            store: assembly.store.clone(),
            desk: assembly.desk.clone(),
            clock: assembly.home.clock.clone(),
            supervisor: assembly.supervisor.clone(),
            listen: address,
            allowed_hosts: config.allowed_hosts.clone(),
            limits: SocketLimits::default(),
        });
        let stopping = assembly.supervisor.stopping();
        assembly.supervisor.spawn("api", server.run(state, stopping));
        tracing::info!("listening on http://{address}");
        let exit = tokio::select! {
            () = signals.next() => Exit::Ok,
            task = assembly.supervisor.lost() => {
                tracing::error!(task, "ending, because a task was lost");
                Exit::Failed
            }
        };
        tracing::info!("ending in order; a second signal ends at once");
        tokio::select! {
            () = assembly.close() => Ok(exit),
            () = signals.next() => Err(Fault::new(Exit::Interrupted, "ended at once, as asked; the next start puts things right").into()),
        }
    }
}

async fn bind(address: SocketAddr) -> anyhow::Result<Server> {
    Server::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            let text =
                format!("something listens on {address} already; stop it, or choose another address with --listen");
            Fault::new(Exit::Conflict, text).into()
        }
        _ => anyhow::Error::from(error).context(format!("listening on {address}")),
    })
}

/// Everything but the listeners.
pub struct Assembly {
    pub home: Home,
    pub store: Store,
    pub desk: Desk,
    pub supervisor: Supervisor,
    whatsapp: Vec<Arc<dyn WhatsApp>>,
    matrix: Option<Arc<dyn Matrix>>,
}

impl Assembly {
    /// Builds everything and puts the workers to work.
    pub async fn start(home: Home, config: &Config) -> anyhow::Result<Self> {
        let (store, clock) = (home.store.clone(), home.clock.clone());
        let supervisor = Supervisor::new();
        let vault = ports::vault(config, &home)?;
        let core = Core::new(store.clone(), vault.clone(), clock.clone(), random()?, policy(config)).await?;
        let accounts = accounts(&store).await?;
        // What can be wrong without a browser is found out before one is started.
        let matrix = ports::matrix(config, &home, &core.instance, &supervisor)?;
        let mut drives = vec![];
        for (id, name) in accounts {
            let fence = take_lease(&home, id).await?;
            let port = ports::whatsapp(config, &home, &name, &supervisor)?;
            drives.push(Drive { id, name, port, fence });
        }
        let whatsapp = drives.iter().map(|drive| drive.port.clone()).collect();
        let desk = bridge::start(&core, drives, matrix.clone(), &supervisor);
        supervisor.spawn(
            "housekeeping",
            housekeeping::run(store.clone(), vault, clock, config.journal_keep, supervisor.stopping()),
        );
        Ok(Self {
            home,
            store,
            desk,
            supervisor,
            whatsapp,
            matrix,
        })
    }

    /// Waits until what the account missed is taken in.
    pub async fn until_taken_in(&self, account: AccountId) -> anyhow::Result<()> {
        Ok(self.desk.until_taken_in(account).await?)
    }

    /// Stops taking work, drains the workers, ends browser and homeserver connection, closes the database.
    pub async fn close(self) {
        if !self.supervisor.shutdown(DRAIN).await {
            tracing::warn!("some work did not end in time; it goes on at the next start");
        }
        for port in self.whatsapp {
            port.close(BROWSER).await;
        }
        if let Some(matrix) = self.matrix {
            matrix.close().await;
        }
        drop(self.desk);
        drop(self.store);
        self.home.store.close().await;
    }
}

/// The accounts to drive; at the first start the one that everybody has.
async fn accounts(store: &Store) -> anyhow::Result<Vec<(AccountId, String)>> {
    if store.accounts().await?.is_empty() {
        store
            .write::<_, StoreError, _>(|tx| async move { tx.create_account(DEFAULT_ACCOUNT).await }.boxed())
            .await?;
    }
    let accounts = store.accounts().await?;
    Ok(accounts.into_iter().map(|account| (account.id, account.name)).collect())
}

/// Drives an account from this data folder and no other (`RULES` 26).
async fn take_lease(home: &Home, account: AccountId) -> anyhow::Result<Fence> {
    let holder = Holder {
        folder: home.folder.id()?,
        process: format!("process {}", std::process::id()),
    };
    let taken = home.store.write(move |tx| {
        let holder = holder.clone();
        async move { tx.take_lease(account, &holder).await }.boxed()
    });
    Ok(taken.await?)
}

fn random() -> anyhow::Result<Random> {
    let seed = SysRng.try_next_u64().context("asking the system for randomness")?;
    Ok(Random::seeded(seed))
}

fn policy(config: &Config) -> Policy {
    let whatsapp = &config.whatsapp;
    Policy {
        matrix: config.matrix.homeserver.is_some(),
        agents: config
            .matrix
            .agents
            .iter()
            .map(|id| MatrixUserId::from(id.as_str()))
            .collect(),
        owner: config.matrix.owner.as_deref().map(MatrixUserId::from),
        read: match whatsapp.read {
            config::ReadMode::Auto => ReadMode::Auto,
            config::ReadMode::Agent => ReadMode::Agent,
            config::ReadMode::Never => ReadMode::Never,
        },
        read_delay: whatsapp.read_delay.min..=whatsapp.read_delay.max,
        spacing: whatsapp.spacing.min..=whatsapp.spacing.max,
        send_expires: (!config.send_expires.is_zero()).then_some(config.send_expires),
        pace: whatsapp.pace.pace(),
        media: MediaRules {
            fetch: config.media.fetch,
            max: config.media.max_size,
            portraits: (!config.media.portraits.is_zero()).then_some(config.media.portraits),
        },
        history: whatsapp.history,
    }
}
