//! A real Matrix homeserver: Synapse on SQLite, alone in the world, with everything that slows tests taken out.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rand::RngExt as _;
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;

use super::folder::Folder;
use super::port::free_port;
use super::process::{Launch, Process};
use super::python;

/// A cold start takes 2 s; a machine under load much longer.
const READY: Duration = Duration::from_secs(90);
const REQUEST: Duration = Duration::from_secs(30);
const SERVER_NAME: &str = "localhost";

/// Whether the homeserver slows its users down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RateLimits {
    /// Every limit so high that nobody meets it.
    #[default]
    Off,
    /// What an owner's homeserver has when nobody changed it: a bot sends 0.4 messages a second.
    Standard,
}

/// What may differ between one test's homeserver and another's.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub rate_limits: RateLimits,
    /// Application services' registrations.
    pub registrations: Vec<Value>,
    /// Top-level keys of `homeserver.yaml` that replace ours.
    pub configuration: Map<String, Value>,
}

/// A running homeserver.
#[derive(Debug)]
pub struct Synapse {
    // The process goes first, the folder under it last.
    process: Process,
    launch: Launch,
    port: u16,
    folder: Folder,
}

impl Synapse {
    /// One for all tests of this process that only want users of their own, and do not kill it. It dies with the process.
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<Synapse> = OnceCell::const_new();
        SHARED.get_or_try_init(|| Self::start(Options::default())).await
    }

    /// Starts one in a new folder and waits until it answers.
    pub async fn start(options: Options) -> Result<Self> {
        let python = python::environment().await?;
        let folder = Folder::new("synapse")?;
        let port = free_port()?;
        let configuration = configure(&options, folder.path(), port)?;
        std::fs::write(folder.path().join("homeserver.yaml"), configuration.to_string())?;
        let launch = Launch::new("Synapse", python, folder.path()).arguments([
            "-m",
            "synapse.app.homeserver",
            "-c",
            "homeserver.yaml",
        ]);
        let process = launch.start()?;
        let mut synapse = Self {
            process,
            launch,
            port,
            folder,
        };
        synapse.until_ready().await?;
        Ok(synapse)
    }

    /// The homeserver's base address, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn server_name(&self) -> &'static str {
        SERVER_NAME
    }

    /// `@user:server`.
    pub fn user_id(&self, user: &str) -> String {
        format!("@{user}:{SERVER_NAME}")
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Its folder: configuration, database, media and log.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes a user and gives its id, `@user:server`.
    ///
    /// # Errors
    /// The homeserver is down, or refuses (the name is taken).
    pub async fn register(&self, user: &str, password: &str) -> Result<String> {
        let body = json!({
            "username": user, "password": password, "inhibit_login": true, "auth": {"type": "m.login.dummy"},
        });
        let address = format!("{}/_matrix/client/v3/register", self.url());
        let answer = client()?
            .post(address)
            .json(&body)
            .send()
            .await
            .context("the homeserver does not answer")?;
        let status = answer.status();
        let answer: Value = answer.json().await?;
        match answer["user_id"].as_str() {
            Some(user_id) if status.is_success() => Ok(user_id.to_owned()),
            _ => bail!("the homeserver refuses to make the user {user}: {status} {answer}"),
        }
    }

    /// `kill -9`: what a power cut or an out-of-memory kill does to it.
    pub fn kill_9(&mut self) {
        self.process.kill_9();
    }

    /// Kills it if it runs, starts it in the same folder on the same port, and waits until it answers.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill_9();
        self.process = self.launch.start()?;
        self.until_ready().await
    }

    async fn until_ready(&mut self) -> Result<()> {
        let address = format!("{}/_matrix/client/versions", self.url());
        let client = client()?;
        let answers = async || {
            client
                .get(&address)
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
        };
        self.process.until(READY, answers).await
    }
}

/// One for each use: a client's connections belong to the runtime that made them, and every test has its own.
fn client() -> Result<reqwest::Client> {
    Ok(reqwest::Client::builder().timeout(REQUEST).no_proxy().build()?)
}

/// `homeserver.yaml`, in the part of YAML that is JSON.
fn configure(options: &Options, folder: &Path, port: u16) -> Result<Value> {
    #[expect(clippy::disallowed_methods, reason = "a homeserver's key and secrets are its own")]
    let random: [[u8; 32]; 3] = rand::rng().random();
    let [key, macaroon, form] = random.map(|bytes| STANDARD_NO_PAD.encode(bytes));
    let file = |name: &str| folder.join(name).display().to_string();
    std::fs::write(folder.join("signing.key"), format!("ed25519 a_1 {key}\n"))?;
    std::fs::write(folder.join("logging.yaml"), logging().to_string())?;
    let mut registrations = Vec::new();
    for (number, registration) in options.registrations.iter().enumerate() {
        let name = file(&format!("registration-{number}.yaml"));
        std::fs::write(&name, registration.to_string())?;
        registrations.push(name);
    }
    let mut configuration = json!({
        "server_name": SERVER_NAME,
        "public_baseurl": format!("http://127.0.0.1:{port}/"),
        "pid_file": file("synapse.pid"),
        "listeners": [{
            "type": "http", "port": port, "bind_addresses": ["127.0.0.1"], "tls": false,
            "resources": [{"names": ["client", "federation"], "compress": false}],
        }],
        "database": {"name": "sqlite3", "args": {"database": file("homeserver.db")}},
        "media_store_path": file("media"),
        "signing_key_path": file("signing.key"),
        "log_config": file("logging.yaml"),
        "macaroon_secret_key": macaroon,
        "form_secret": form,
        "bcrypt_rounds": 4,
        // A client that asks for long timelines gets them, so that what it missed while we were down has no gap.
        "filter_timeline_limit": -1,
        "enable_registration": true,
        "enable_registration_without_verification": true,
        "report_stats": false,
        "presence": {"enabled": false},
        "trusted_key_servers": [],
        "suppress_key_server_warning": true,
        "federation_domain_whitelist": [],
        "app_service_config_files": registrations,
        "experimental_features": {
            "msc3202_device_masquerading": true, "msc3202_transaction_extensions": true,
            "msc2409_to_device_messages_enabled": true, "msc4190_enabled": true,
        },
    });
    if let Value::Object(configuration) = &mut configuration {
        if options.rate_limits == RateLimits::Off {
            configuration.extend(no_rate_limits());
        }
        configuration.extend(options.configuration.clone());
    }
    Ok(configuration)
}

fn logging() -> Value {
    json!({
        "version": 1,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "handlers": {"log": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": "WARNING", "handlers": ["log"]},
        "disable_existing_loggers": false,
    })
}

fn no_rate_limits() -> Map<String, Value> {
    let none = json!({"per_second": 10_000, "burst_count": 10_000});
    let each = |kinds: &[&str]| {
        kinds
            .iter()
            .map(|kind| ((*kind).to_owned(), none.clone()))
            .collect::<Map<_, _>>()
    };
    let mut limits = each(&[
        "rc_message",
        "rc_registration",
        "rc_registration_token_validity",
        "rc_admin_redaction",
        "rc_joins_per_room",
        "rc_key_requests",
        "rc_3pid_validation",
        "rc_third_party_invite",
        "rc_media_create",
        "rc_delayed_event_mgmt",
        "rc_room_creation",
        "rc_reports",
        "rc_user_directory",
        "rc_profile",
    ]);
    let grouped = [
        ("rc_login", each(&["address", "account", "failed_attempts"])),
        ("rc_joins", each(&["local", "remote"])),
        ("rc_invites", each(&["per_room", "per_user", "per_issuer"])),
        ("rc_presence", each(&["per_user"])),
    ];
    limits.extend(
        grouped
            .into_iter()
            .map(|(name, group)| (name.to_owned(), Value::Object(group))),
    );
    limits
}

#[cfg(test)]
mod tests {
    use super::super::is_running;
    use super::*;

    #[tokio::test]
    async fn a_homeserver_keeps_its_users_over_a_kill_and_dies_with_its_owner() {
        if super::super::quick() {
            return;
        }
        let mut synapse = Synapse::start(Options::default()).await.unwrap();
        assert_eq!(synapse.register("anna", "secret").await.unwrap(), "@anna:localhost");
        synapse.kill_9();
        assert!(
            synapse.register("bert", "secret").await.is_err(),
            "a killed server answered"
        );
        synapse.restart().await.unwrap();
        let again = synapse.register("anna", "secret").await.unwrap_err();
        assert!(again.to_string().contains("M_USER_IN_USE"), "{again}");
        let pid = synapse.pid();
        let folder = synapse.folder().to_owned();
        drop(synapse);
        assert!(!is_running(pid), "the process outlived its owner");
        assert!(!folder.exists(), "the folder outlived its owner");
    }
}
