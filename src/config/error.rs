//! What can be wrong with a configuration. Each message says what is wrong, then what to do.

use std::path::PathBuf;

use super::layers::Source;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{path} has an unknown key `{name}`{}", did_you_mean(nearest.as_ref()), path = path.display())]
    UnknownKey {
        name: String,
        path: PathBuf,
        nearest: Option<&'static str>,
    },
    #[error(
        "{path} has a section `account.{name}`, which is no account's; an account's name is small letters, digits, - and _, and its \
         section is a table such as [account.sales]",
        path = path.display()
    )]
    NotAnAccount { name: String, path: PathBuf },
    #[error("the environment has an unknown variable {name}{}", did_you_mean(nearest.as_ref()))]
    UnknownVariable { name: String, nearest: Option<String> },
    #[error("the variable {name} is not UTF-8; set it anew")]
    NotUtf8 { name: String },
    #[error("`{key}` is `{value}` in {place}; write {expected}")]
    BadValue {
        key: &'static str,
        value: String,
        place: Source,
        expected: String,
    },
    #[error("`{one}` and `{other}` are both set in {place}; keep one of them")]
    Both {
        one: &'static str,
        other: &'static str,
        place: Source,
    },
    #[error("{} cannot be read: {error}; mend its permissions, or name another file", path.display())]
    Unreadable { path: PathBuf, error: std::io::Error },
    #[error("{} is not TOML: {error}", path.display())]
    NotToml { path: PathBuf, error: Box<toml::de::Error> },
    #[error(
        "there is no place for the data folder, because neither XDG_DATA_HOME nor HOME is set; pass --data-dir FOLDER"
    )]
    NoDataDir,
}

fn did_you_mean(nearest: Option<&(impl std::fmt::Display + ?Sized)>) -> String {
    nearest.map_or_else(
        || "; crm.example.toml lists them all".to_owned(),
        |nearest| format!("; did you mean `{nearest}`?"),
    )
}
