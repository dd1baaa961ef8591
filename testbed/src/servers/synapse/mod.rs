//! A real Matrix homeserver: Synapse on SQLite, without federation and with everything disabled that slows tests.

mod configuration;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::folder::Folder;
use super::launch::Launch;
use super::port::free_port;
use super::process::Process;
use super::python;
use configuration::configure;
pub use configuration::{Options, RateLimits};

/// Maximum time to start. A cold start takes 2 s, and much longer on a machine under load.
const READY: Duration = Duration::from_secs(90);
const REQUEST: Duration = Duration::from_secs(30);
const SERVER_NAME: &str = "localhost";

/// A running homeserver.
#[derive(Debug)]
pub struct Synapse {
    // Dropped in this order: first the process, then its folder.
    process: Process,
    launch: Launch,
    port: u16,
    folder: Folder,
}

impl Synapse {
    /// Returns the homeserver that all tests of this process share if they need only users of their own and do not kill
    /// it. It ends with the process.
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<Synapse> = OnceCell::const_new();
        SHARED.get_or_try_init(|| Self::start(Options::default())).await
    }

    /// Starts a homeserver in a new folder and waits until it answers.
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

    /// Returns the base address, without a final slash.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the server name, which is the part after `:` in its user ids.
    pub fn server_name(&self) -> &'static str {
        SERVER_NAME
    }

    /// Returns the id of a user, `@user:server`.
    pub fn user_id(&self, user: &str) -> String {
        format!("@{user}:{SERVER_NAME}")
    }

    /// Returns the process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Returns its folder: configuration, database, media and log.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Creates a user and returns its id, `@user:server`.
    ///
    /// # Errors The homeserver is down, or refuses because the name is taken.
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

    /// Kills the homeserver with SIGKILL, as an out-of-memory kill does.
    pub fn kill_9(&mut self) {
        self.process.kill_9();
    }

    /// Kills the homeserver if it runs, starts it in the same folder on the same port, and waits until it answers.
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

/// Creates an HTTP client for each use: its connections belong to the runtime that made them, and every test has its
/// own runtime.
fn client() -> Result<reqwest::Client> {
    Ok(reqwest::Client::builder().timeout(REQUEST).no_proxy().build()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::is_running;

    /// The homeserver dies with its owner.
    #[tokio::test]
    async fn homeserver_keeps_users_over_kill() {
        if crate::servers::quick() {
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
