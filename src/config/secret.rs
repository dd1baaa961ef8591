//! Secrets and their sources.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::ConfigError;

/// A secret; its `Debug` hides it, and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the secret itself, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A secret or its file, which only the command that needs it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// The secret itself.
    Given(Secret),
    /// Its file; `-` is standard input.
    File(PathBuf),
}

impl SecretSource {
    /// Returns the secret; reads it from its file, without the line end.
    pub fn read(&self) -> Result<Secret, ConfigError> {
        let path = match self {
            Self::Given(secret) => return Ok(secret.clone()),
            Self::File(path) => path,
        };
        let text = if path == Path::new("-") {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        } else {
            std::fs::read_to_string(path)
        };
        let text = text.map_err(|error| ConfigError::Unreadable {
            path: path.clone(),
            error,
        })?;
        Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
    }
}
