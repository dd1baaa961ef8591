//! Builds the adapters of the two ports from the configuration.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use rand::rngs::{StdRng, SysRng};
use rand::{SeedableRng as _, TryRng as _};

use crate::bridge::{KnownLogins, Source};
use crate::cli::home::Home;
use crate::cli::{Exit, Fault};
use crate::config::{Config, MatrixMode};
use crate::domain::app_service::AppService;
use crate::domain::moving::{Login, LoginKind, Logins};
use crate::domain::whatsapp::WhatsApp;
use crate::domain::{Clock, MatrixUserId};
use crate::matrix::{Bot, MatrixOptions, Password, Registration, Service, ServiceOptions, SpaceOptions};
use crate::supervisor::Supervisor;
use crate::vault::Vault;
use crate::wa::{Limits, ProfileError, StartError, WaOptions, WhatsAppWeb, check_library};

/// Number of retries when files appear in a profile while it is being deleted, and the pause between them.
const FORGET_ATTEMPTS: u32 = 10;
const FORGET_PAUSE: Duration = Duration::from_millis(200);

/// Starts the browsers of accounts; knows where their profiles are.
pub struct Browsers {
    config: Config,
    folder: PathBuf,
    clock: Arc<dyn Clock>,
}

impl Browsers {
    /// Creates the source of browsers. Profiles are below `whatsapp/` in the data folder.
    pub fn new(config: &Config, home: &Home) -> Self {
        Self {
            config: config.clone(),
            folder: home.folder.path().join("whatsapp"),
            clock: home.clock.clone(),
        }
    }

    /// Refuses a configuration with which no account could be driven.
    pub fn check(&self) -> anyhow::Result<()> {
        let general = self.config.general();
        for account in std::iter::once(&general).chain(self.config.accounts.values()) {
            let library = account.whatsapp.library.as_deref();
            check_library(library).map_err(|error| fault(&error.into()))?;
        }
        Ok(())
    }

    /// Returns the folder of an account's profile. The account's name is safe as a folder name: `AccountName` allows
    /// nothing else.
    fn profile(&self, account: &str) -> PathBuf {
        self.folder.join(account)
    }
}

#[async_trait]
impl Source for Browsers {
    fn open(&self, account: &str, tasks: &Supervisor) -> anyhow::Result<Arc<dyn WhatsApp>> {
        let of_account = self.config.of_account(account);
        let settings = &of_account.whatsapp;
        let options = WaOptions {
            url: settings.url.clone(),
            browser: settings.browser.clone(),
            driver: settings.driver.clone(),
            args: settings.browser_args.clone(),
            headless: settings.headless,
            library: settings.library.clone(),
            profile: self.profile(account),
            typing: settings.typing,
            nightly_reload: settings.nightly_reload(),
            take_over: (!settings.take_over.is_zero()).then_some(settings.take_over),
            limits: Limits::default(),
        };
        let started = WhatsAppWeb::start(options, self.clock.clone(), random()?, tasks);
        Ok(Arc::new(started.map_err(|error| fault(&error))?))
    }

    fn has_profile(&self, account: &str) -> bool {
        self.profile(account).exists()
    }

    async fn forget(&self, account: &str) -> std::io::Result<()> {
        let profile = self.profile(account);
        let mut left = FORGET_ATTEMPTS;
        loop {
            match tokio::fs::remove_dir_all(&profile).await {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                // The browser's last process may still be writing.
                Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty && left > 0 => left -= 1,
                done => return done,
            }
            tokio::time::sleep(FORGET_PAUSE).await;
        }
    }
}

fn fault(error: &StartError) -> anyhow::Error {
    let exit = match error {
        StartError::Profile(ProfileError::InUse { .. }) => Exit::Conflict,
        StartError::Profile(_) => Exit::Failed,
        StartError::Library(_) => Exit::Usage,
    };
    Fault::new(exit, error.to_string()).into()
}

/// Opens the media storage: a bucket if one is configured, else the folder `media/`.
pub fn vault(config: &Config, home: &Home) -> anyhow::Result<Vault> {
    let folder = home.folder.path().join("media");
    let vault = match &config.media.store {
        None => Vault::in_folder(&folder),
        Some(url) => Vault::in_bucket(url, &folder.join("incoming")),
    };
    vault.map_err(|error| Fault::new(Exit::Failed, error.to_string()).into())
}

/// The connections to the homeserver, and what it may call.
#[derive(Clone)]
pub struct Homeserver {
    pub matrix: Arc<dyn Login>,
    /// The login that kept the rooms before, while they move.
    pub former: Option<Arc<dyn Login>>,
    pub app_service: Option<Arc<dyn AppService>>,
    pub logins: Logins,
}

/// Returns the kind of the configured login, or `None` if no homeserver is configured.
pub fn login_kind(config: &Config) -> anyhow::Result<Option<LoginKind>> {
    let settings = &config.matrix;
    match (&settings.homeserver, settings.mode) {
        (None, MatrixMode::Bot) => Ok(None),
        (None, MatrixMode::Service) => Err(missing("CRM_MATRIX_HOMESERVER")),
        (Some(_), MatrixMode::Bot) => Ok(Some(LoginKind::Bot)),
        (Some(_), MatrixMode::Service) => Ok(Some(LoginKind::Service)),
    }
}

/// Starts the connection of this login to the homeserver, and while rooms move that of the former one.
pub fn matrix(
    config: &Config,
    home: &Home,
    (present, known): (LoginKind, KnownLogins),
    (instance, agents): (&str, Vec<MatrixUserId>),
    supervisor: &Supervisor,
) -> anyhow::Result<Homeserver> {
    let mut app_service: Option<Arc<dyn AppService>> = None;
    let mut log_in = |kind: LoginKind| -> anyhow::Result<Arc<dyn Login>> {
        let (agents, logins) = (agents.clone(), known.logins.clone());
        match kind {
            LoginKind::Bot => {
                let options = bot_options(config, home.folder.path(), instance, agents)?;
                Ok(Arc::new(Bot::start(MatrixOptions { logins, ..options }, supervisor)?))
            }
            LoginKind::Service => {
                let options = service_options(config, instance, agents)?;
                let options = ServiceOptions { logins, ..options };
                let service = Arc::new(Service::start(options, home.clock.clone(), supervisor));
                app_service = Some(service.clone());
                Ok(service)
            }
        }
    };
    let matrix = log_in(present)?;
    let former = match known.former {
        Some(former) => Some(log_in(former).map_err(|error| not_movable(former, &error))?),
        None => None,
    };
    Ok(Homeserver {
        matrix,
        former,
        app_service,
        logins: known.logins,
    })
}

/// Says what is needed to move the rooms from the former login.
fn not_movable(former: LoginKind, why: &anyhow::Error) -> anyhow::Error {
    let needed = match former {
        LoginKind::Bot => "CRM_MATRIX_USER and CRM_MATRIX_PASSWORD of the bot",
        LoginKind::Service => "CRM_MATRIX_REGISTRATION, the registration of the application service",
    };
    let text = format!(
        "the rooms are still kept by the former login ({former}), which has to hand them over: {why}. Set {needed}, until `crm \
         status` says nothing of rooms that move; or go back to the former mode. If that login is gone for good, `crm matrix \
         abandon` gives its rooms up"
    );
    Fault::new(Exit::Usage, text).into()
}

/// Returns the file of the bot's recovery key in a data folder.
pub fn recovery_key(data_dir: &Path) -> PathBuf {
    data_dir.join("matrix-recovery.key")
}

/// Reads the settings of the bot, with its password.
pub fn bot_options(
    config: &Config,
    data_dir: &Path,
    instance: &str,
    agents: Vec<MatrixUserId>,
) -> anyhow::Result<MatrixOptions> {
    let settings = &config.matrix;
    let password = settings
        .password
        .as_ref()
        .ok_or_else(|| missing("CRM_MATRIX_PASSWORD or CRM_MATRIX_PASSWORD_FILE"));
    Ok(MatrixOptions {
        homeserver: settings
            .homeserver
            .clone()
            .ok_or_else(|| missing("CRM_MATRIX_HOMESERVER"))?,
        user: settings.user.clone().ok_or_else(|| missing("CRM_MATRIX_USER"))?,
        password: Password::new(password?.read()?.expose()),
        agents,
        owner: settings.owner.as_deref().map(MatrixUserId::from),
        encryption: settings.encryption,
        folder: data_dir.join("matrix"),
        recovery_key: recovery_key(data_dir),
        space: space(instance),
        logins: Logins::default(),
        room_version: settings.room_version.clone(),
    })
}

/// Reads the settings of the application service, with its registration file.
pub fn service_options(config: &Config, instance: &str, agents: Vec<MatrixUserId>) -> anyhow::Result<ServiceOptions> {
    let settings = &config.matrix;
    Ok(ServiceOptions {
        homeserver: settings
            .homeserver
            .clone()
            .ok_or_else(|| missing("CRM_MATRIX_HOMESERVER"))?,
        registration: registration(&settings.registration)?,
        agents,
        owner: settings.owner.as_deref().map(MatrixUserId::from),
        space: space(instance),
        logins: Logins::default(),
        room_version: settings.room_version.clone(),
    })
}

/// Reads a registration file.
pub fn registration(path: &Path) -> anyhow::Result<Registration> {
    let fault = |what: String| Fault::new(Exit::Usage, format!("the registration file {} {what}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => fault("does not exist; make it with `crm matrix registration --url URL`".to_owned()),
        _ => fault(format!("cannot be read: {error}; check its permissions")),
    })?;
    Ok(Registration::parse(&text).map_err(|error| fault(error.to_string()))?)
}

fn space(instance: &str) -> SpaceOptions {
    SpaceOptions {
        alias: format!("crm_{instance}"),
        name: "WhatsApp".to_owned(),
    }
}

fn missing(what: &str) -> anyhow::Error {
    let text = format!("Matrix is configured, and {what} is not set; set it, or take the rest of Matrix out");
    Fault::new(Exit::Usage, text).into()
}

fn random() -> anyhow::Result<StdRng> {
    let mut seed = [0; 32];
    SysRng
        .try_fill_bytes(&mut seed)
        .context("asking the system for randomness")?;
    Ok(StdRng::from_seed(seed))
}
