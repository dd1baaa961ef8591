//! The adapter's settings.

use std::fmt;
use std::path::PathBuf;

use super::wire::Registration;
use crate::domain::MatrixUserId;
use crate::domain::moving::Logins;

/// Settings of the bot: the homeserver, the login and the folder that it may use.
#[derive(Clone, Debug)]
pub struct MatrixOptions {
    /// The homeserver's base address (`https://matrix.example.org`).
    pub homeserver: String,
    /// The bot's user id (`@desk:example.org`) or the part of it before the colon.
    pub user: String,
    /// The password of that user.
    pub password: Password,
    /// Users who answer customers; invited to the Space.
    pub agents: Vec<MatrixUserId>,
    /// User who is notified of trouble; invited to the Space as well.
    pub owner: Option<MatrixUserId>,
    /// Whether new rooms are encrypted.
    pub encryption: bool,
    /// Folder of the session and the encryption keys; created with mode 0700.
    pub folder: PathBuf,
    /// File of the recovery key, which opens the key backup. Not in the folder, so that it is not lost with that.
    pub recovery_key: PathBuf,
    /// The Space of the conversations' rooms.
    pub space: SpaceOptions,
    /// Users that are or were this desk's own.
    pub logins: Logins,
    /// Version of new rooms and Spaces; none: the homeserver's own.
    pub room_version: Option<String>,
}

/// Settings of the application service.
#[derive(Clone, Debug)]
pub struct ServiceOptions {
    /// The homeserver's base address.
    pub homeserver: String,
    /// Our registration at the homeserver.
    pub registration: Registration,
    /// Users who answer customers; invited to the Space.
    pub agents: Vec<MatrixUserId>,
    /// User who is notified of trouble; invited to the Space as well.
    pub owner: Option<MatrixUserId>,
    /// The Space of the conversations' rooms.
    pub space: SpaceOptions,
    /// Users that are or were this desk's own.
    pub logins: Logins,
    /// Version of new rooms and Spaces; none: the homeserver's own.
    pub room_version: Option<String>,
}

/// Settings of the Space that holds the conversations' rooms.
#[derive(Clone, Debug)]
pub struct SpaceOptions {
    /// Local part of its alias, by which it is found again; derived from the instance's random id.
    pub alias: String,
    /// Its name in Element.
    pub name: String,
}

/// A password or token; its `Debug` shows nothing.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// Wraps a password or token.
    pub fn new(password: impl Into<String>) -> Self {
        Self(password.into())
    }

    /// Returns the secret itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_is_hidden_in_debug() {
        assert!(!format!("{:?}", Password::new("hunter2")).contains("hunter2"));
    }
}
