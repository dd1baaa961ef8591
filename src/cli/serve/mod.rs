//! `crm serve`: builds all parts of the program, and shuts them down in order.

pub mod heaps;
pub mod housekeeping;
pub mod ports;
pub mod signals;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use rand::TryRng as _;
use rand::rngs::SysRng;
use tokio_util::sync::CancellationToken;

use super::home::Home;
use super::{Exit, Fault, Shell, neighbours};
use crate::api::{self, AccessRules, ApiState, ConnectionLimits, Parts, Server, SocketLimits};
use crate::bridge::{self, AccountManager, Core, Desk, LoggedIn, Policy, Random, ReadMode, RoomsKept};
use crate::config::{self, AccountConfig, Config, MatrixMode, SharedHost};
use crate::domain::account::{Account, DEFAULT_ACCOUNT};
use crate::domain::export::ExportRules;
use crate::domain::media::MediaRules;
use crate::domain::{AccountId, MatrixUserId};
use crate::fetch::Fetcher;
use crate::matrix;
use crate::store::{Holder, Store, StoreError};
use crate::supervisor::Supervisor;
use crate::vault::Vault;
use crate::wa;
use ports::{Browsers, Homeserver};
use signals::Signals;

/// Maximum time for the workers to finish their current work.
const DRAIN: Duration = Duration::from_secs(20);
/// Maximum time for a browser to quit.
const BROWSER: Duration = Duration::from_secs(10);

/// Run the server
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
}

impl Serve {
    /// Serves until a signal comes or a task is lost. A second signal ends the process at once.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let config = &shell.config;
        let mut signals = Signals::listen()?;
        let home = Home::open(config, "crm serve").await?;
        home.admin_key().await?;
        check_neighbours(config).await?;
        let files = api::raise_open_files();
        tracing::debug!(files, "limit of open files");
        let limits = ConnectionLimits {
            connections: config.max_connections,
            ..ConnectionLimits::default()
        };
        let mut server = bind(config.listen)?.with_limits(limits);
        let address = server.address()?;
        let is_service = config.matrix.mode == MatrixMode::Service;
        let own = config.matrix.listen.filter(|_| is_service);
        let for_homeserver = own.map(bind).transpose()?;
        let assembly = Assembly::start(home, config, ServedAccounts::All).await?;
        let state = ApiState::new(Parts {
            store: assembly.store.clone(),
            desk: assembly.desk.clone(),
            clock: assembly.home.clock.clone(),
            supervisor: assembly.supervisor.clone(),
            listen: address,
            allowed_hosts: config.allowed_hosts.clone(),
            allowed_origins: config.allowed_origins.clone(),
            fetcher: Fetcher::new(config.fetch_private).context("starting the HTTP client")?,
            limits: SocketLimits::default(),
            rules: AccessRules {
                hide_numbers: config.hide_numbers,
                requests_per_minute: config.requests_per_minute,
                writes_per_minute: config.writes_per_minute,
            },
        });
        let stopping = assembly.supervisor.stopping();
        let app_service = assembly
            .homeserver
            .as_ref()
            .and_then(|homeserver| homeserver.app_service.clone());
        // One that only hands its rooms over is heard there too.
        let for_homeserver = match (for_homeserver, config.matrix.listen.filter(|_| app_service.is_some())) {
            (None, Some(listen)) => Some(bind(listen)?),
            (bound, _) => bound,
        };
        match (for_homeserver, app_service) {
            (Some(own), Some(service)) => {
                let run = own.run_app_service(service, state.clone(), stopping.clone());
                assembly.supervisor.spawn("app-service", run);
            }
            (_, app_service) => server = server.with_app_service(app_service),
        }
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
            () = signals.next() => Err(Fault::new(Exit::Interrupted, "ended at once, as requested; the next start recovers unfinished work").into()),
        }
    }
}

/// Says that this host has other users who could reach what the browser leaves open, or refuses it, as is configured.
async fn check_neighbours(config: &Config) -> anyhow::Result<()> {
    if config.shared_host == SharedHost::Allow {
        return Ok(());
    }
    let Some(advice) = neighbours::advice(&neighbours::others()) else {
        return Ok(());
    };
    let Err(why) = wa::can_shut_ports().await else {
        return Ok(());
    };
    let advice = format!("{advice} (they cannot be shut out: {why})");
    if config.shared_host == SharedHost::Refuse {
        let text = format!("{advice}, or set CRM_SHARED_HOST=warn");
        return Err(Fault::new(Exit::Failed, text).into());
    }
    tracing::warn!("{advice}");
    Ok(())
}

fn bind(address: SocketAddr) -> anyhow::Result<Server> {
    Server::bind(address).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            let text =
                format!("something listens on {address} already; stop it, or choose another address with --listen");
            Fault::new(Exit::Conflict, text).into()
        }
        _ => anyhow::Error::from(error).context(format!("listening on {address}")),
    })
}

/// Accounts to drive.
#[derive(Clone, Debug)]
pub enum ServedAccounts {
    /// All accounts, also those that are added later.
    All,
    /// Only this account.
    One(Account),
}

/// All parts but the listeners.
pub struct Assembly {
    pub home: Home,
    pub store: Store,
    pub desk: Desk,
    pub supervisor: Supervisor,
    manager: Arc<AccountManager>,
    homeserver: Option<Homeserver>,
}

impl Assembly {
    /// Builds all parts and starts the workers.
    pub async fn start(home: Home, config: &Config, lines: ServedAccounts) -> anyhow::Result<Self> {
        let store = home.store.clone();
        let supervisor = Supervisor::new();
        let vault = ports::vault(config, &home)?;
        let holder = home.holder()?;
        let login_kind = ports::login_kind(config)?;
        let elsewhere = match login_kind {
            Some(_) => hold_rooms(&store, &holder).await?,
            None => None,
        };
        let known = match login_kind {
            Some(kind) if elsewhere.is_none() => {
                Some((kind, bridge::know_logins(&store, kind, matrix::login_of).await?))
            }
            _ => None,
        };
        let core = core(config, &home, vault).await?;
        // Errors that can be found without a browser are found before one is started.
        let named: Vec<_> = config
            .matrix
            .agents
            .iter()
            .map(|id| MatrixUserId::from(id.as_str()))
            .collect();
        bridge::reconcile_agents(&store, &named).await?;
        let agents = store.agents().unlimited().await?;
        let homeserver = known
            .map(|known| ports::matrix(config, &home, known, (&core.instance, agents), &supervisor))
            .transpose()?;
        let manager = manager(config, &home, core.clone(), &supervisor)?;
        match lines {
            ServedAccounts::All => {
                first_account(&store).await?;
                let accounts = store.accounts().present().await?;
                let known: Vec<&str> = accounts.iter().map(|account| account.name.as_str()).collect();
                for stranger in config.strangers(&known) {
                    tracing::warn!("{stranger}");
                }
                manager.open_all().await?;
                let run = Arc::clone(&manager).run(supervisor.stopping());
                supervisor.spawn("manager", run);
            }
            ServedAccounts::One(account) => {
                manager.open(&account).await?;
                let run = Arc::clone(&manager).run_one(account.id, supervisor.stopping());
                supervisor.spawn("manager", run);
            }
        }
        supervisor.spawn("store", last(store.clone(), supervisor.stopping()));
        let kept = match (homeserver.clone(), elsewhere) {
            (Some(homeserver), _) => RoomsKept::Here(LoggedIn {
                present: homeserver.matrix,
                former: homeserver.former,
                logins: homeserver.logins,
            }),
            (None, Some(by)) => RoomsKept::Elsewhere(by),
            (None, None) => RoomsKept::Nowhere,
        };
        let desk = bridge::start(&core, &manager, kept, &supervisor);
        let kept = bridge::Kept {
            journal: config.journal_keep,
            audit: config.audit_keep,
        };
        supervisor.spawn(
            "housekeeping",
            housekeeping::run(core.clone(), kept, supervisor.stopping()),
        );
        Ok(Self {
            home,
            store,
            desk,
            supervisor,
            manager,
            homeserver,
        })
    }

    /// Waits until the messages that the account missed are stored.
    pub async fn until_taken_in(&self, account: AccountId) -> anyhow::Result<()> {
        Ok(self.desk.until_taken_in(account).await?)
    }

    /// Shuts down in order: stops new work, drains the workers, quits the browsers, releases the accounts, closes the
    /// connection to the homeserver, closes the database.
    pub async fn close(self) {
        let drained = self.supervisor.shutdown(DRAIN).await;
        close_browsers(&self.desk).await;
        if drained {
            self.manager.release_all().await;
        } else {
            tracing::warn!("some work did not end in time; it goes on at the next start");
        }
        if let Some(homeserver) = self.homeserver {
            homeserver.matrix.close().await;
            if let Some(former) = homeserver.former {
                former.close().await;
            }
            if drained {
                release_rooms(&self.home).await;
            }
        }
        drop(self.manager);
        drop(self.desk);
        drop(self.store);
        self.home.store.close().await;
    }
}

/// Takes the rooms, or returns the server that keeps them; what it is to show is left to it in the outbox.
async fn hold_rooms(store: &Store, holder: &Holder) -> Result<Option<Holder>, StoreError> {
    let held = store.write(holder.clone(), |tx, holder| {
        async move { tx.settings().hold_rooms(holder).await }.boxed()
    });
    held.await
}

async fn release_rooms(home: &Home) {
    let Ok(holder) = home.holder() else { return };
    let released = home.store.write::<_, _, StoreError, _>(holder.folder, |tx, folder| {
        async move { tx.settings().release_rooms(folder).await }.boxed()
    });
    if let Err(error) = released.await {
        tracing::warn!("the rooms stay with this data folder: {error}");
    }
}

/// Fails when the database's writer has ended: a server that cannot store anything is better restarted.
async fn last(store: Store, stopping: CancellationToken) -> anyhow::Result<()> {
    tokio::select! {
        () = store.ended() => anyhow::bail!("the database's writer is gone"),
        () = stopping.cancelled() => Ok(()),
    }
}

/// Quits the browsers of all running accounts at the same time, each in order.
pub async fn close_browsers(desk: &Desk) {
    let ports = desk.ports();
    join_all(ports.iter().map(|port| port.close(BROWSER))).await;
}

/// Creates the state that the parts of the bridge share, with a policy for each account.
pub async fn core(config: &Config, home: &Home, vault: Vault) -> anyhow::Result<Core> {
    let (store, clock) = (home.store.clone(), home.clock.clone());
    let core = Core::new(store, vault, clock, random()?, policy(config, &config.general())).await?;
    let of_accounts = config.accounts.iter();
    let policies = of_accounts.map(|(name, account)| (name.clone(), policy(config, account)));
    let exports = ExportRules {
        keep: config.exports_keep,
        ..ExportRules::default()
    };
    Ok(core
        .exporting(exports)
        .with_policies(policies.collect())
        .knowing_holders(home.is_alive()?))
}

/// Creates the manager that starts and ends the accounts.
pub fn manager(
    config: &Config,
    home: &Home,
    core: Core,
    supervisor: &Supervisor,
) -> anyhow::Result<Arc<AccountManager>> {
    let browsers = Arc::new(Browsers::new(config, home));
    browsers.check()?;
    Ok(AccountManager::new(core, browsers, home.holder()?, supervisor))
}

/// Creates the default account if there has never been one.
pub async fn first_account(store: &Store) -> anyhow::Result<()> {
    if store.accounts().all().await?.is_empty() {
        store
            .write::<_, _, StoreError, _>((), |tx, ()| {
                async move { tx.accounts().create(DEFAULT_ACCOUNT).await }.boxed()
            })
            .await?;
    }
    Ok(())
}

fn random() -> anyhow::Result<Random> {
    let seed = SysRng.try_next_u64().context("asking the system for randomness")?;
    Ok(Random::seeded(seed))
}

fn policy(config: &Config, account: &AccountConfig) -> Policy {
    let (whatsapp, media) = (&account.whatsapp, &account.media);
    Policy {
        matrix: config.matrix.homeserver.is_some(),
        owner: config.matrix.owner.as_deref().map(MatrixUserId::from),
        read: match whatsapp.read {
            config::ReadMode::Auto => ReadMode::Auto,
            config::ReadMode::Agent => ReadMode::Agent,
            config::ReadMode::Never => ReadMode::Never,
        },
        read_delay: whatsapp.read_delay.min..=whatsapp.read_delay.max,
        spacing: whatsapp.spacing.min..=whatsapp.spacing.max,
        send_expires: (!config.send_expires.is_zero()).then_some(config.send_expires),
        phone_region: config.phone_region,
        hide_numbers: config.hide_numbers,
        time_zone: whatsapp.pace.time_zone.clone(),
        pace: whatsapp.pace.pace(),
        media: MediaRules {
            fetch: media.fetch,
            max: media.max_size,
            avatars: (!media.avatars.is_zero()).then_some(media.avatars),
            free_space_floor: media.free_space_floor,
            daily_quota: Some(media.daily_quota).filter(|quota| *quota > 0),
        },
        history: whatsapp.history,
    }
}
