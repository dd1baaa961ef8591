//! Secrets: where they come from, and that nothing shows them.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::ConfigError;

/// Something that must not be seen: its `Debug` tells nothing and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A secret, or the file that holds it, read only by the command that needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    Given(Secret),
    /// `-` is standard input.
    File(PathBuf),
}

impl SecretSource {
    /// The secret; a file's without the end of its line.
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
