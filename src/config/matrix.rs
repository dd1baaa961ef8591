//! The settings of Matrix.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::layers::Values;
use super::{ConfigError, Environment, SecretSource, http_url, secret_source, user_ids, values, word};
use crate::domain::word::words;

words! {
    /// How we are known to the homeserver.
    MatrixMode {
        /// As an ordinary user, on any homeserver.
        Bot = "bot",
        /// As an application service, on one's own homeserver.
        Service = "service",
    }
}

/// Settings of Matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatrixConfig {
    /// How we are known to the homeserver.
    pub mode: MatrixMode,
    /// Address of the homeserver; none: Matrix is off.
    pub homeserver: Option<String>,
    /// The bot's user.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<SecretSource>,
    /// Users whose texts go to customers.
    pub agents: Vec<String>,
    /// User who is notified of trouble; by default the first agent.
    pub owner: Option<String>,
    /// Whether new rooms are encrypted.
    pub encryption: bool,
    /// Registration file of the application service.
    pub registration: PathBuf,
    /// Address for the homeserver's calls alone; none: they come in where the API listens.
    pub listen: Option<SocketAddr>,
    /// Version of new rooms and Spaces; none: the homeserver's own.
    pub room_version: Option<String>,
}

impl MatrixConfig {
    pub(super) fn read(values: &Values, environment: &Environment, data_dir: &Path) -> Result<Self, ConfigError> {
        let agents = values.parse("matrix.agents", user_ids)?;
        let named = values.text("matrix.registration").map(|path| environment.expand(path));
        let mode = match values.parse("matrix.mode", mode)? {
            // A registration beside a bot is that of the service which hands its rooms over.
            Some(mode) => mode,
            None if named.is_some() => MatrixMode::Service,
            None => MatrixMode::Bot,
        };
        let encryption = match (mode, values.parse("matrix.encryption", encryption)?) {
            (MatrixMode::Service, Some(true)) => {
                return Err(ConfigError::Combination(
                    "`matrix.encryption` is on, and the mode is that of an application service, where encryption comes later; \
                     set it to auto or off (the homeserver is your own), or run as a bot (`matrix.mode`)",
                ));
            }
            (MatrixMode::Service, _) => false,
            (MatrixMode::Bot, asked) => asked.unwrap_or(true),
        };
        Ok(Self {
            mode,
            homeserver: values.parse("matrix.homeserver", http_url)?,
            user: values.text("matrix.user").map(str::to_owned),
            password: secret_source(values, "matrix.password", "matrix.password_file", environment)?,
            owner: values
                .parse("matrix.owner", user_ids)?
                .into_iter()
                .chain(agents.iter().cloned())
                .next(),
            agents,
            encryption,
            registration: named.unwrap_or_else(|| data_dir.join("matrix").join("registration.yaml")),
            listen: values.parse("matrix.listen", listen)?,
            room_version: values.parse("matrix.room_version", room_version)?,
        })
    }
}

/// Reads the mode; none: as the other settings have it.
fn mode(text: &str) -> Result<Option<MatrixMode>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    word(text).map(Some)
}

/// Reads an address to listen on; none: the API's.
fn listen(text: &str) -> Result<Option<SocketAddr>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let address = text.parse().map(Some);
    address.map_err(|_| "an address and a port, such as 127.0.0.1:8001".to_owned())
}

/// Longest room version, in characters (Matrix specification, "Room versions").
const MAX_ROOM_VERSION: usize = 32;

/// Reads the version of new rooms; none: the homeserver's own.
fn room_version(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let is_valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    if text.len() > MAX_ROOM_VERSION || !text.chars().all(is_valid) {
        return Err("a version of rooms, such as 11, or nothing for the homeserver's own".to_owned());
    }
    Ok(Some(text.to_owned()))
}

/// Reads whether rooms are encrypted; none: as the mode has it.
fn encryption(text: &str) -> Result<Option<bool>, String> {
    if text == "auto" {
        return Ok(None);
    }
    let asked = values::switch(text).map_err(|expected| format!("auto, {expected}"))?;
    Ok(Some(asked))
}
