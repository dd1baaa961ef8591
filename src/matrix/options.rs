//! What the adapter has to be told: where, as whom, and what it may keep.

use std::fmt;
use std::path::PathBuf;

use crate::domain::MatrixUserId;

#[derive(Clone, Debug)]
pub struct MatrixOptions {
    /// The homeserver's base address (`https://matrix.example.org`).
    pub homeserver: String,
    /// The bot's user id (`@desk:example.org`) or the part of it before the colon.
    pub user: String,
    pub password: Password,
    /// Who answers customers; invited to the Space.
    pub agents: Vec<MatrixUserId>,
    /// Who is told of trouble; invited to the Space as well.
    pub owner: Option<MatrixUserId>,
    /// Whether new rooms are encrypted.
    pub encryption: bool,
    /// Holds the session and the encryption keys; made with mode 0700.
    pub folder: PathBuf,
    pub space: SpaceOptions,
}

/// The Space that gathers the conversations' rooms.
#[derive(Clone, Debug)]
pub struct SpaceOptions {
    /// Local part of its alias: the key by which it is found again, from the instance's own random id.
    pub alias: String,
    pub name: String,
}

/// The bot's password.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    pub fn new(password: impl Into<String>) -> Self {
        Self(password.into())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

/// Says nothing of it.
impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_printed() {
        assert!(!format!("{:?}", Password::new("hunter2")).contains("hunter2"));
    }
}
