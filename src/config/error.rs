//! Errors of the configuration. Each message says what is wrong, then what to do.

use std::path::PathBuf;

use super::layers::Source;

/// An invalid configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file has a key that does not exist.
    #[error("{path} has an unknown key `{name}`{}", did_you_mean(nearest.as_ref()), path = path.display())]
    UnknownKey {
        /// The key.
        name: String,
        /// The file.
        path: PathBuf,
        /// A similar key.
        nearest: Option<&'static str>,
    },
    /// A key or variable was renamed.
    #[error("`{old}` in {place} is now called `{new}`; rename it there")]
    Renamed {
        /// The old name.
        old: String,
        /// The new name.
        new: String,
        /// The file or the environment.
        place: Source,
    },
    /// A section of accounts is not valid.
    #[error(
        "{path} has a section `account.{name}`, which is not an account's; an account's name is small letters, digits, - and _, and \
         its section is a table such as [account.sales]",
        path = path.display()
    )]
    NotAnAccount {
        /// The section.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// The environment has a `CRM_` variable that does not exist.
    #[error("the environment has an unknown variable {name}{}", did_you_mean(nearest.as_ref()))]
    UnknownVariable {
        /// The variable.
        name: String,
        /// A similar variable.
        nearest: Option<String>,
    },
    /// A variable is not text.
    #[error("the variable {name} is not UTF-8; set it again")]
    NotUtf8 {
        /// The variable.
        name: String,
    },
    /// A value is not valid.
    #[error("`{key}` is `{value}` in {place}; write {expected}")]
    BadValue {
        /// The key.
        key: &'static str,
        /// Its value, hidden if it is a secret.
        value: String,
        /// The file, the environment or the command line.
        place: Source,
        /// Valid values, in words.
        expected: String,
    },
    /// Two keys for the same secret are set.
    #[error("`{one}` and `{other}` are both set in {place}; keep one of them")]
    Both {
        /// The key of the secret.
        one: &'static str,
        /// The key of its file.
        other: &'static str,
        /// The place of both.
        place: Source,
    },
    /// Two values do not go together.
    #[error("{0}")]
    Combination(&'static str),
    /// A file cannot be read.
    #[error("{} cannot be read: {error}; check its permissions, or name another file", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        error: std::io::Error,
    },
    /// A file is not TOML.
    #[error("{} is not valid TOML; correct it: {error}", path.display())]
    NotToml {
        /// The file.
        path: PathBuf,
        /// The cause.
        error: Box<toml::de::Error>,
    },
    /// The data folder has no default.
    #[error("there is no default data folder, because neither XDG_DATA_HOME nor HOME is set; pass --data-dir FOLDER")]
    NoDataDir,
}

fn did_you_mean(nearest: Option<&(impl std::fmt::Display + ?Sized)>) -> String {
    nearest.map_or_else(
        || "; crm.example.toml lists them all".to_owned(),
        |nearest| format!("; did you mean `{nearest}`?"),
    )
}
