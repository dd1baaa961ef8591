//! The configuration, resolved once at the start and never changed: flag > `CRM_*` > `./crm.toml` >
//! `$XDG_CONFIG_HOME/crm/config.toml` > `/etc/crm/config.toml` > default. Opens its files only, and starts nothing.

mod data_dir;
mod error;
mod keys;
mod layers;
mod matrix;
mod pace;
mod secret;
mod values;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use data_dir::{DataDir, DataDirError, DataDirLock};
pub use error::ConfigError;
pub use layers::{Environment, Source};
pub use matrix::{MatrixConfig, MatrixMode};
pub use pace::PaceConfig;
pub use secret::{Secret, SecretSource};
pub use values::{DelayRange, LogFormat, ReadMode, SharedHost, duration};

use crate::domain::customer::{NotARegion, PhoneRegion};
use crate::domain::daily::{Daily, DayHours};
use crate::domain::history::{HistoryDepth, NotADepth};
use crate::domain::media::{FetchMode, SizeLimits, size_or_off};
use layers::Values;

/// The whole configuration. `crm.example.toml` explains each key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The data folder.
    pub data_dir: PathBuf,
    /// Address of the database.
    pub database_url: SecretSource,
    /// Connections that read from the database at the same time.
    pub database_readers: u32,
    /// Address of the API.
    pub listen: SocketAddr,
    /// Host names accepted in requests, besides loopback names and `listen`.
    pub allowed_hosts: Vec<String>,
    /// Origins of other servers' pages that may use the API.
    pub allowed_origins: Vec<String>,
    /// Whether pictures may be fetched from addresses in private networks.
    pub fetch_private: bool,
    /// Greatest number of open connections to the API.
    pub max_connections: usize,
    /// Address of the server for the shell.
    pub url: String,
    /// API key of the shell.
    pub api_key: Option<SecretSource>,
    /// Log filter.
    pub log: String,
    /// Log format.
    pub log_format: LogFormat,
    /// Age at which a queued text expires; zero: never.
    pub send_expires: Duration,
    /// Country whose local numbers are read; none: numbers in international form alone.
    pub phone_region: Option<PhoneRegion>,
    /// Whether customers' numbers are hidden from those below `manage`.
    pub hide_numbers: bool,
    /// Most requests of a key in a minute; 0: any number.
    pub requests_per_minute: u32,
    /// Most requests of a key in a minute that change something; 0: any number.
    pub writes_per_minute: u32,
    /// Age at which journal rows are deleted.
    pub journal_keep: Duration,
    /// Decides whether the server starts on a host that has other users.
    pub shared_host: SharedHost,
    /// Age at which entries of the audit log are deleted; zero: never.
    pub audit_keep: Duration,
    /// How long the files of exports are kept.
    pub exports_keep: Duration,
    /// Settings of media.
    pub media: MediaConfig,
    /// Settings of WhatsApp.
    pub whatsapp: WhatsAppConfig,
    /// Settings of Matrix.
    pub matrix: MatrixConfig,
    /// Settings of accounts that have some of their own, by name, completed with the general ones.
    pub accounts: BTreeMap<String, AccountConfig>,
}

/// Settings that can differ between accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountConfig {
    /// Settings of WhatsApp.
    pub whatsapp: WhatsAppConfig,
    /// Settings of media.
    pub media: MediaConfig,
}

/// Settings of media.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaConfig {
    /// Bucket (`s3://bucket/prefix`); none: a folder in the data folder.
    pub store: Option<String>,
    /// Whether media are downloaded at once or on request.
    pub fetch: FetchMode,
    /// Maximum sizes.
    pub max_size: SizeLimits,
    /// Interval at which avatars of customers and groups are checked; zero: never.
    pub avatars: Duration,
    /// Bytes that are kept free; zero: none.
    pub free_space_floor: u64,
    /// Bytes of one conversation's media in a day that are downloaded at once; zero: any number.
    pub daily_quota: u64,
}

/// Settings of WhatsApp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhatsAppConfig {
    /// Address of WhatsApp Web.
    pub url: String,
    /// The browser; none: searched for.
    pub browser: Option<PathBuf>,
    /// chromedriver; none: searched for.
    pub driver: Option<PathBuf>,
    /// Additional arguments for the browser.
    pub browser_args: Vec<String>,
    /// Whether the browser runs without a window.
    pub headless: bool,
    /// File to use in place of the embedded library.
    pub library: Option<PathBuf>,
    /// When chats are marked as read.
    pub read: ReadMode,
    /// Delay before a chat is marked as read.
    pub read_delay: DelayRange,
    /// Whether "typing…" is shown before a text, and while an agent types in the room.
    pub typing: bool,
    /// Delay between two sends of one account.
    pub spacing: DelayRange,
    /// Settings of pacing.
    pub pace: PaceConfig,
    /// Amount of history, from before the first login, that is imported.
    pub history: HistoryDepth,
    /// Time after which a session that was opened elsewhere is taken over; zero: only on request.
    pub take_over: Duration,
    /// Hours in which an unused page is reloaded.
    pub nightly_reload: Option<DayHours>,
}

impl MediaConfig {
    fn read(values: &Values) -> Result<Self, ConfigError> {
        Ok(Self {
            store: values.parse("media.store", values::bucket)?,
            fetch: values.parse("media.fetch", word)?,
            max_size: values.parse("media.max_size", str::parse)?,
            avatars: values.parse("media.avatars", duration)?,
            free_space_floor: values.parse("media.free_space_floor", size_or_off)?,
            daily_quota: values.parse("media.daily_quota", size_or_off)?,
        })
    }
}

impl WhatsAppConfig {
    fn read(values: &Values, environment: &Environment) -> Result<Self, ConfigError> {
        let path = |name| values.text(name).map(|path| environment.expand(path));
        Ok(Self {
            url: values
                .parse("whatsapp.url", http_url)?
                .unwrap_or_else(|| "https://web.whatsapp.com/".to_owned()),
            browser: path("whatsapp.browser"),
            driver: path("whatsapp.driver"),
            browser_args: values.parse("whatsapp.browser_args", values::shell_words)?,
            headless: values.parse("whatsapp.headless", values::switch)?,
            library: path("whatsapp.library"),
            read: values.parse("whatsapp.read", word)?,
            read_delay: values.parse("whatsapp.read_delay", str::parse)?,
            typing: values.parse("whatsapp.typing", values::switch)?,
            spacing: values.parse("whatsapp.spacing", str::parse)?,
            pace: PaceConfig::read(values)?,
            take_over: values.parse("whatsapp.take_over", duration)?,
            nightly_reload: values.parse("whatsapp.nightly_reload", pace::day_hours)?,
            history: values.parse("whatsapp.history", |text| {
                text.parse().map_err(|error: NotADepth| error.to_string())
            })?,
        })
    }

    /// Returns the hours of the nightly reload, in the time zone of the quiet hours.
    pub fn nightly_reload(&self) -> Option<Daily> {
        self.nightly_reload
            .map(|hours| Daily::new(hours, self.pace.time_zone.clone()))
    }
}

impl Config {
    /// Resolves the configuration. `flags` are pairs of key and value. `named` is a file to read in place of the usual
    /// three.
    pub fn load(
        flags: &[(&'static str, String)],
        named: Option<&Path>,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        let named = named
            .map(Path::to_owned)
            .or_else(|| environment.get("CRM_CONFIG").map(PathBuf::from));
        let files = named.map_or_else(|| usual_files(environment), |path| vec![path]);
        Self::from_values(&Values::gather(flags, environment, &files)?, environment)
    }

    fn from_values(values: &Values, environment: &Environment) -> Result<Self, ConfigError> {
        let path = |name| values.text(name).map(|path| environment.expand(path));
        let data_dir = path("data_dir")
            .or_else(|| environment.xdg("XDG_DATA_HOME", ".local/share"))
            .ok_or(ConfigError::NoDataDir)?;
        let listen: SocketAddr = values.parse("listen", |text| {
            text.parse()
                .map_err(|_| "an address and a port, such as 127.0.0.1:8000".to_owned())
        })?;
        let matrix = MatrixConfig::read(values, environment, &data_dir)?;
        Ok(Self {
            database_url: secret_source(values, "database_url", "database_url_file", environment)?.unwrap_or_else(
                || {
                    let url = format!("sqlite://{}", data_dir.join("crm.db").display());
                    SecretSource::Given(Secret::new(url))
                },
            ),
            database_readers: values.parse("database_readers", readers)?,
            data_dir,
            listen,
            allowed_hosts: values.parse("allowed_hosts", |text| Ok(values::list(text)))?,
            allowed_origins: values.parse("allowed_origins", values::origins)?,
            fetch_private: values.parse("fetch_private", values::switch)?,
            max_connections: values.parse("max_connections", values::connections)?,
            url: values.parse("url", http_url)?.unwrap_or_else(|| own_url(listen)),
            api_key: secret_source(values, "api_key", "api_key_file", environment)?,
            log: values.parse("log", log_filter)?,
            log_format: values.parse("log_format", word)?,
            send_expires: values.parse("send_expires", duration)?,
            phone_region: values.parse("phone_region", phone_region)?,
            hide_numbers: values.parse("hide_numbers", values::switch)?,
            requests_per_minute: values.parse("requests_per_minute", values::rate)?,
            writes_per_minute: values.parse("writes_per_minute", values::rate)?,
            journal_keep: values.parse("journal_keep", duration)?,
            audit_keep: values.parse("audit_keep", duration)?,
            exports_keep: values.parse("exports_keep", values::some_time)?,
            shared_host: values.parse("shared_host", word)?,
            media: MediaConfig::read(values)?,
            whatsapp: WhatsAppConfig::read(values, environment)?,
            matrix,
            accounts: values
                .accounts()
                .map(|(name, values)| {
                    let account = AccountConfig {
                        whatsapp: WhatsAppConfig::read(values, environment)?,
                        media: MediaConfig::read(values)?,
                    };
                    Ok((name.clone(), account))
                })
                .collect::<Result<_, ConfigError>>()?,
        })
    }

    /// Returns the settings of an account that has none of its own.
    pub fn general(&self) -> AccountConfig {
        AccountConfig {
            whatsapp: self.whatsapp.clone(),
            media: self.media.clone(),
        }
    }

    /// Returns a warning for each section of an account that does not exist.
    pub fn strangers(&self, known: &[&str]) -> Vec<String> {
        let unknown = self.accounts.keys().filter(|name| !known.contains(&name.as_str()));
        unknown
            .map(|name| {
                format!(
                    "the configuration has a section [account.{name}], but there is no account of this name; add it with `crm \
                     account add {name}`, or remove the section"
                )
            })
            .collect()
    }

    /// Returns the settings of an account.
    pub fn of_account(&self, name: &str) -> AccountConfig {
        self.accounts.get(name).cloned().unwrap_or_else(|| self.general())
    }
}

fn usual_files(environment: &Environment) -> Vec<PathBuf> {
    let home = environment.xdg("XDG_CONFIG_HOME", ".config");
    [
        Some(PathBuf::from("crm.toml")),
        home.map(|folder| folder.join("config.toml")),
        Some(PathBuf::from("/etc/crm/config.toml")),
    ]
    .into_iter()
    .flatten()
    .filter(|path| path.exists())
    .collect()
}

/// Returns a secret that is given itself or by its file. Both in the same place are an error.
fn secret_source(
    values: &Values,
    key: &'static str,
    file_key: &'static str,
    environment: &Environment,
) -> Result<Option<SecretSource>, ConfigError> {
    match (values.text(key), values.text(file_key)) {
        (None, None) => Ok(None),
        (Some(given), None) => Ok(Some(SecretSource::Given(Secret::new(given)))),
        (None, Some(file)) => Ok(Some(SecretSource::File(environment.expand(file)))),
        (Some(_), Some(_)) => Err(ConfigError::Both {
            one: key,
            other: file_key,
            place: values.raw(file_key).1.clone(),
        }),
    }
}

/// Returns the server's address as a local client reaches it.
fn own_url(listen: SocketAddr) -> String {
    let mut reachable = listen;
    if listen.ip().is_unspecified() {
        reachable.set_ip(match listen {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{reachable}")
}

/// Most connections that may read from the database at the same time: servers allow about as many in all.
const MAX_READERS: u32 = 100;

fn readers(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(count @ 1..=MAX_READERS) => Ok(count),
        _ => Err(format!("a number from 1 to {MAX_READERS}")),
    }
}

fn phone_region(text: &str) -> Result<Option<PhoneRegion>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error: NotARegion| error.to_string())
}

fn http_url(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let has_host = ["http://", "https://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    has_host
        .then(|| Some(text.to_owned()))
        .ok_or_else(|| "an address such as https://example.org".to_owned())
}

fn word<T: std::str::FromStr<Err = crate::domain::word::UnknownWord>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: crate::domain::word::UnknownWord| {
        let (last, rest) = error.expected.split_last().unwrap_or((&"", &[]));
        format!("{} or {last}", rest.join(", "))
    })
}

/// Levels that a filter may name without a target.
const LOG_LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];

/// Checks a log filter. A bare word has to be a level: the library takes any other for a target of which it logs all, and a
/// misspelt level would silence the server.
fn log_filter(text: &str) -> Result<String, String> {
    let mut parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .peekable();
    let is_given = parts.peek().is_some();
    let is_known = |part: &str| part.contains('=') || LOG_LEVELS.iter().any(|level| part.eq_ignore_ascii_case(level));
    let are_known = parts.all(is_known);
    (is_given && are_known && tracing_subscriber::EnvFilter::try_new(text).is_ok())
        .then(|| text.to_owned())
        .ok_or_else(|| {
            "a level (error, warn, info, debug, trace or off), or with targets: info,crm::api=trace,crm=debug"
                .to_owned()
        })
}

fn user_ids(text: &str) -> Result<Vec<String>, String> {
    let ids = values::list(text);
    let are_valid = ids.iter().all(|id| {
        id.starts_with('@')
            && id
                .split_once(':')
                .is_some_and(|(name, server)| name.len() > 1 && !server.is_empty())
    });
    are_valid
        .then_some(ids)
        .ok_or_else(|| "user ids separated by commas, such as @ada:example.org,@bob:example.org".to_owned())
}

#[cfg(test)]
mod tests;
