//! The configuration, resolved once at the start and never changed: flag > `CRM_*` > `./crm.toml` >
//! `$XDG_CONFIG_HOME/crm/config.toml` > `/etc/crm/config.toml` > default. Starts nothing and opens nothing but its files.

mod data_dir;
mod error;
mod keys;
mod layers;
mod pace;
mod secret;
mod values;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use data_dir::{DataDir, DataDirError, DataDirLock};
pub use error::ConfigError;
pub use layers::{Source, Surroundings};
pub use pace::PaceConfig;
pub use secret::{Secret, SecretSource};
pub use values::{DelayRange, LogFormat, ReadMode, duration};

use crate::domain::daily::{Daily, DayHours};
use crate::domain::history::{HistoryDepth, NotADepth};
use crate::domain::media::{FetchMode, SizeLimits};
use layers::Values;

/// Everything that can be configured. `crm.example.toml` explains each key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub data_dir: PathBuf,
    pub database_url: SecretSource,
    pub listen: SocketAddr,
    /// Names under which the server may be addressed, besides loopback names and `listen`.
    pub allowed_hosts: Vec<String>,
    /// Where the shell finds the server.
    pub url: String,
    pub api_key: Option<SecretSource>,
    pub log: String,
    pub log_format: LogFormat,
    /// A queued text that is older is not sent any more; zero: it never expires.
    pub send_expires: Duration,
    pub journal_keep: Duration,
    pub media: MediaConfig,
    pub whatsapp: WhatsAppConfig,
    pub matrix: MatrixConfig,
    /// Of accounts that have settings of their own, by name, with what they leave to the general ones filled in.
    pub accounts: BTreeMap<String, AccountConfig>,
}

/// What can be set for an account alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountConfig {
    pub whatsapp: WhatsAppConfig,
    pub media: MediaConfig,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaConfig {
    /// `s3://bucket/prefix`; none: a folder in the data folder.
    pub store: Option<String>,
    pub fetch: FetchMode,
    pub max_size: SizeLimits,
    /// How often a customer's or a group's picture is looked up; zero: never.
    pub portraits: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhatsAppConfig {
    pub url: String,
    /// The browser's program; found by itself where not set.
    pub browser: Option<PathBuf>,
    pub driver: Option<PathBuf>,
    /// Appended to the browser's own arguments.
    pub browser_args: Vec<String>,
    pub headless: bool,
    /// A file in place of the embedded library.
    pub library: Option<PathBuf>,
    pub read: ReadMode,
    pub read_delay: DelayRange,
    pub typing: bool,
    /// Between two sends of one account.
    pub spacing: DelayRange,
    pub pace: PaceConfig,
    /// How much of what is older than the first login is imported.
    pub history: HistoryDepth,
    /// After how long a session that was opened elsewhere is taken over; zero: when a person asks.
    pub take_over: Duration,
    /// When a page that nobody uses is loaded anew.
    pub nightly_reload: Option<DayHours>,
}

impl MediaConfig {
    fn read(values: &Values) -> Result<Self, ConfigError> {
        Ok(Self {
            store: values.parse("media.store", values::bucket)?,
            fetch: values.parse("media.fetch", word)?,
            max_size: values.parse("media.max_size", str::parse)?,
            portraits: values.parse("media.portraits", duration)?,
        })
    }
}

impl WhatsAppConfig {
    fn read(values: &Values, surroundings: &Surroundings) -> Result<Self, ConfigError> {
        let path = |name| values.text(name).map(|path| surroundings.expand(path));
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

    /// The hours of the nightly reload, by the clock of the quiet hours.
    pub fn nightly_reload(&self) -> Option<Daily> {
        self.nightly_reload
            .map(|hours| Daily::new(hours, self.pace.time_zone.clone()))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatrixConfig {
    /// None: no Matrix at all.
    pub homeserver: Option<String>,
    pub user: Option<String>,
    pub password: Option<SecretSource>,
    /// The users whose words go to customers.
    pub agents: Vec<String>,
    /// Who is told of troubles: the first agent, where nobody is named.
    pub owner: Option<String>,
    pub encryption: bool,
    /// Present: application-service mode.
    pub registration: Option<PathBuf>,
}

impl Config {
    /// Resolves the configuration. `flags` are pairs of key and value; `named` is the one file to read in place of the
    /// usual three.
    pub fn load(
        flags: &[(&'static str, String)],
        named: Option<&Path>,
        surroundings: &Surroundings,
    ) -> Result<Self, ConfigError> {
        let named = named
            .map(Path::to_owned)
            .or_else(|| surroundings.get("CRM_CONFIG").map(PathBuf::from));
        let files = named.map_or_else(|| usual_files(surroundings), |path| vec![path]);
        Self::from_values(&Values::gather(flags, surroundings, &files)?, surroundings)
    }

    fn from_values(values: &Values, surroundings: &Surroundings) -> Result<Self, ConfigError> {
        let path = |name| values.text(name).map(|path| surroundings.expand(path));
        let data_dir = path("data_dir")
            .or_else(|| surroundings.xdg("XDG_DATA_HOME", ".local/share"))
            .ok_or(ConfigError::NoDataDir)?;
        let listen: SocketAddr = values.parse("listen", |text| {
            text.parse()
                .map_err(|_| "an address and a port, such as 127.0.0.1:8000".to_owned())
        })?;
        let agents = values.parse("matrix.agents", user_ids)?;
        Ok(Self {
            database_url: secret_source(values, "database_url", "database_url_file", surroundings)?.unwrap_or_else(
                || {
                    let url = format!("sqlite://{}", data_dir.join("crm.db").display());
                    SecretSource::Given(Secret::new(url))
                },
            ),
            data_dir,
            listen,
            allowed_hosts: values.parse("allowed_hosts", |text| Ok(values::list(text)))?,
            url: values.parse("url", http_url)?.unwrap_or_else(|| own_url(listen)),
            api_key: secret_source(values, "api_key", "api_key_file", surroundings)?,
            log: values.parse("log", log_filter)?,
            log_format: values.parse("log_format", word)?,
            send_expires: values.parse("send_expires", duration)?,
            journal_keep: values.parse("journal_keep", duration)?,
            media: MediaConfig::read(values)?,
            whatsapp: WhatsAppConfig::read(values, surroundings)?,
            matrix: MatrixConfig {
                homeserver: values.parse("matrix.homeserver", http_url)?,
                user: values.text("matrix.user").map(str::to_owned),
                password: secret_source(values, "matrix.password", "matrix.password_file", surroundings)?,
                owner: values
                    .parse("matrix.owner", user_ids)?
                    .into_iter()
                    .chain(agents.iter().cloned())
                    .next(),
                agents,
                encryption: values.parse("matrix.encryption", values::switch)?,
                registration: path("matrix.registration"),
            },
            accounts: values
                .accounts()
                .map(|(name, values)| {
                    let of_account = AccountConfig {
                        whatsapp: WhatsAppConfig::read(values, surroundings)?,
                        media: MediaConfig::read(values)?,
                    };
                    Ok((name.clone(), of_account))
                })
                .collect::<Result<_, ConfigError>>()?,
        })
    }

    /// What holds for every account that has nothing of its own.
    pub fn general(&self) -> AccountConfig {
        AccountConfig {
            whatsapp: self.whatsapp.clone(),
            media: self.media.clone(),
        }
    }

    /// What to say of sections for accounts that are none of these.
    pub fn strangers(&self, known: &[&str]) -> Vec<String> {
        let strange = self.accounts.keys().filter(|name| !known.contains(&name.as_str()));
        strange
            .map(|name| {
                format!(
                    "the configuration has a section [account.{name}], and there is no account of this name; add it with `crm \
                     account add {name}`, or take the section out"
                )
            })
            .collect()
    }

    /// What holds for the account of this name.
    pub fn of_account(&self, name: &str) -> AccountConfig {
        self.accounts.get(name).cloned().unwrap_or_else(|| self.general())
    }
}

fn usual_files(surroundings: &Surroundings) -> Vec<PathBuf> {
    let home = surroundings.xdg("XDG_CONFIG_HOME", ".config");
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

/// A secret that is given itself, or by the file that holds it. The stronger source wins.
fn secret_source(
    values: &Values,
    itself: &'static str,
    by_file: &'static str,
    surroundings: &Surroundings,
) -> Result<Option<SecretSource>, ConfigError> {
    let (given, given_by) = values.raw(itself);
    let (file, file_by) = values.raw(by_file);
    if !given.is_empty() && (file.is_empty() || strength(given_by) > strength(file_by)) {
        return Ok(Some(SecretSource::Given(Secret::new(given))));
    }
    if file.is_empty() {
        return Ok(None);
    }
    if !given.is_empty() && given_by == file_by {
        return Err(ConfigError::Both {
            one: itself,
            other: by_file,
            place: file_by.clone(),
        });
    }
    Ok(Some(SecretSource::File(surroundings.expand(file))))
}

const fn strength(source: &Source) -> u8 {
    match source {
        Source::Flag => 3,
        Source::Variable => 2,
        Source::File(_) => 1,
        Source::Default => 0,
    }
}

/// The server's own address as a client reaches it.
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

fn log_filter(text: &str) -> Result<String, String> {
    tracing_subscriber::EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|_| "a filter such as info, or crm=debug,crm::api=trace".to_owned())
}

fn user_ids(text: &str) -> Result<Vec<String>, String> {
    let ids = values::list(text);
    let all_good = ids.iter().all(|id| {
        id.starts_with('@')
            && id
                .split_once(':')
                .is_some_and(|(name, server)| name.len() > 1 && !server.is_empty())
    });
    all_good
        .then_some(ids)
        .ok_or_else(|| "user ids with commas between them, such as @ada:example.org,@bob:example.org".to_owned())
}

#[cfg(test)]
mod tests;
