//! Collects raw values from flags, environment, files and defaults, in that order of precedence. Unknown and renamed
//! keys are refused by name.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::ConfigError;
use super::keys::{KEYS, Key, RENAMED, nearest, renamed, renamed_of_account, renamed_variable};
use crate::domain::account::AccountName;

/// The process environment, read once at the start.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// All variables with a valid name.
    pub variables: BTreeMap<String, OsString>,
}

impl Environment {
    /// Reads the environment of this process.
    pub fn of_process() -> Self {
        Self {
            variables: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
                .collect(),
        }
    }

    /// Returns a variable that is not empty.
    pub fn get(&self, name: &str) -> Option<&OsString> {
        self.variables.get(name).filter(|value| !value.is_empty())
    }

    /// Returns `$XDG_…_HOME/crm`, or its default under `$HOME`.
    pub fn xdg(&self, variable: &str, under_home: &str) -> Option<PathBuf> {
        self.get(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| Some(Path::new(self.get("HOME")?).join(under_home)))
            .map(|path| path.join("crm"))
    }

    /// Returns the path with `~/` replaced by the home folder.
    pub fn expand(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), self.get("HOME")) {
            (Some(rest), Some(home)) => Path::new(home).join(rest),
            _ => PathBuf::from(path),
        }
    }
}

/// Source of a value, for errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The command line.
    Flag,
    /// The environment.
    Variable,
    /// A file.
    File(PathBuf),
    /// The default.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("the command line"),
            Self::Variable => f.write_str("the environment"),
            Self::File(path) => path.display().fmt(f),
            Self::Default => f.write_str("the defaults"),
        }
    }
}

/// Values of all keys, with their sources. An empty value counts as none.
#[derive(Clone, Debug)]
pub struct Values {
    general: BTreeMap<&'static str, (String, Source)>,
    /// Values of accounts that have some of their own, by name. These win over general ones from any source.
    accounts: BTreeMap<String, Values>,
}

/// Content of one file.
#[derive(Default)]
struct FileValues {
    general: Vec<(&'static Key, String)>,
    accounts: Vec<(String, &'static Key, String)>,
}

impl Values {
    /// Collects the values. `files` are in order of precedence.
    pub fn gather(
        flags: &[(&'static str, String)],
        environment: &Environment,
        files: &[PathBuf],
    ) -> Result<Self, ConfigError> {
        let mut values: BTreeMap<_, _> = KEYS
            .iter()
            .map(|key| (key.name, (key.default.to_owned(), Source::Default)))
            .collect();
        let mut account_values: BTreeMap<String, BTreeMap<&'static str, (String, Source)>> = BTreeMap::new();
        // From the weakest source to the strongest: each overwrites those before it.
        for path in files.iter().rev() {
            let content = read_file(path)?;
            for (key, value) in content.general {
                set(&mut values, key.name, value, Source::File(path.clone()));
            }
            for (account, key, value) in content.accounts {
                let own = account_values.entry(account).or_default();
                own.insert(key.name, (value, Source::File(path.clone())));
            }
        }
        for (key, value) in read_variables(environment)? {
            set(&mut values, key.name, value, Source::Variable);
        }
        for (name, value) in flags {
            set(&mut values, name, value.clone(), Source::Flag);
        }
        let accounts = account_values.into_iter().map(|(name, own)| {
            let mut general = values.clone();
            general.extend(own);
            let accounts = BTreeMap::new();
            (name, Self { general, accounts })
        });
        Ok(Self {
            accounts: accounts.collect(),
            general: values,
        })
    }

    /// Returns the values of accounts that have some of their own, completed with the general ones.
    pub fn accounts(&self) -> impl Iterator<Item = (&String, &Self)> {
        self.accounts.iter()
    }

    /// Parses the value of a key. `parse` returns the valid values in words as its error.
    pub fn parse<T>(&self, name: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, ConfigError> {
        let (value, source) = self.raw(name);
        parse(value).map_err(|expected| ConfigError::BadValue {
            key: name,
            value: if Key::find(name).is_some_and(|key| key.secret) {
                "(not shown)".to_owned()
            } else {
                value.to_owned()
            },
            place: source.clone(),
            expected,
        })
    }

    /// Returns the value of a key, unless it is empty.
    pub fn text(&self, name: &'static str) -> Option<&str> {
        let (value, _) = self.raw(name);
        (!value.is_empty()).then_some(value)
    }

    /// Returns the value of a key and its source; the default if it is empty and the key's may not be.
    pub fn raw(&self, name: &'static str) -> (&str, &Source) {
        // Callers use names of KEYS only; a test reads all of them.
        let key = Key::find(name);
        let may_be_empty = key.is_some_and(|key| key.may_be_empty);
        let given = self.general.get(name).map(|(value, source)| (value.trim(), source));
        given
            .filter(|(value, _)| may_be_empty || !value.is_empty())
            .unwrap_or_else(|| (key.map_or("", |key| key.default), &Source::Default))
    }
}

/// Sets a value in place of those from weaker sources. A secret and the file that has it say the same thing: the one replaces
/// the other of a weaker source.
fn set(values: &mut BTreeMap<&'static str, (String, Source)>, name: &'static str, value: String, source: Source) {
    let other = match name.strip_suffix("_file") {
        Some(secret) => Key::find(secret),
        None => Key::find(&format!("{name}_file")),
    };
    if let Some(other) = other.filter(|_| !value.trim().is_empty()) {
        let is_weaker = |(_, given_in): &mut (String, Source)| *given_in != source;
        if values.get_mut(other.name).is_some_and(is_weaker) {
            values.remove(other.name);
        }
    }
    values.insert(name, (value, source));
}

/// Prefixes of variables that belong to tests and development tools.
const TEST_PREFIXES: [&str; 5] = ["CRM_TEST", "CRM_TORTURE_", "CRM_SIMULATION_", "CRM_BENCH_", "CRM_DEMO_"];

/// Reads our variables.
fn read_variables(environment: &Environment) -> Result<Vec<(&'static Key, String)>, ConfigError> {
    environment
        .variables
        .iter()
        .filter(|(name, _)| name.starts_with("CRM_") && *name != "CRM_CONFIG")
        .filter(|(name, _)| !TEST_PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
        .map(|(name, value)| {
            let key = Key::of_variable(name).ok_or_else(|| unknown_variable(name))?;
            let value = value
                .to_str()
                .ok_or_else(|| ConfigError::NotUtf8 { name: name.clone() })?;
            Ok((key, value.to_owned()))
        })
        .collect()
}

fn unknown_variable(name: &str) -> ConfigError {
    match renamed_variable(name) {
        Some(new) => ConfigError::Renamed {
            old: name.to_owned(),
            new,
            place: Source::Variable,
        },
        None => ConfigError::UnknownVariable {
            name: name.to_owned(),
            nearest: nearest(name, KEYS.iter().map(Key::variable)),
        },
    }
}

fn read_file(path: &Path) -> Result<FileValues, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
        path: path.to_owned(),
        error,
    })?;
    let mut table: toml::Table = text.parse().map_err(|error| ConfigError::NotToml {
        path: path.to_owned(),
        error: Box::new(error),
    })?;
    let mut content = FileValues::default();
    if let Some(toml::Value::Table(accounts)) = table.remove("account") {
        for (name, section) in accounts {
            read_account(path, &name, section, &mut content)?;
        }
    }
    flatten(path, "", table, &mut content.general)?;
    Ok(content)
}

/// Reads the section `[account.NAME]`.
fn read_account(path: &Path, name: &str, section: toml::Value, content: &mut FileValues) -> Result<(), ConfigError> {
    let (Ok(_), toml::Value::Table(section)) = (name.parse::<AccountName>(), section) else {
        return Err(ConfigError::NotAnAccount {
            name: name.to_owned(),
            path: path.to_owned(),
        });
    };
    for (key, value) in section {
        let known = Key::of_account(&key).ok_or_else(|| match renamed_of_account(&key) {
            Some(new) => ConfigError::Renamed {
                old: format!("account.{name}.{key}"),
                new: format!("account.{name}.{new}"),
                place: Source::File(path.to_owned()),
            },
            None => ConfigError::UnknownKey {
                nearest: nearest(&key, Key::all_of_account().map(Key::short)),
                name: format!("account.{name}.{key}"),
                path: path.to_owned(),
            },
        })?;
        content
            .accounts
            .push((name.to_owned(), known, text_of(known, value, path)?));
    }
    Ok(())
}

fn text_of(key: &'static Key, value: toml::Value, path: &Path) -> Result<String, ConfigError> {
    as_text(key, value).ok_or_else(|| ConfigError::BadValue {
        key: key.name,
        value: "a table or a date".to_owned(),
        place: Source::File(path.to_owned()),
        expected: "a text, a number, true or false, or a list of texts".to_owned(),
    })
}

fn flatten(
    path: &Path,
    prefix: &str,
    table: toml::Table,
    values: &mut Vec<(&'static Key, String)>,
) -> Result<(), ConfigError> {
    for (name, value) in table {
        let name = format!("{prefix}{name}");
        let mut names = KEYS
            .iter()
            .map(|key| key.name)
            .chain(RENAMED.iter().map(|(old, _)| *old));
        let is_section = names.any(|key| key.starts_with(&format!("{name}.")));
        match value {
            toml::Value::Table(inner) if is_section => flatten(path, &format!("{name}."), inner, values)?,
            value => {
                let key = Key::find(&name).ok_or_else(|| unknown_key(path, &name))?;
                values.push((key, text_of(key, value, path)?));
            }
        }
    }
    Ok(())
}

fn unknown_key(path: &Path, name: &str) -> ConfigError {
    match renamed(name) {
        Some(new) => ConfigError::Renamed {
            old: name.to_owned(),
            new: new.to_owned(),
            place: Source::File(path.to_owned()),
        },
        None => ConfigError::UnknownKey {
            nearest: nearest(name, KEYS.iter().map(|key| key.name)),
            name: name.to_owned(),
            path: path.to_owned(),
        },
    }
}

/// Converts a value of a file to the text that a variable would have.
fn as_text(key: &Key, value: toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(on) => Some(if on { "on" } else { "off" }.to_owned()),
        toml::Value::Array(items) => {
            let items: Vec<String> = items
                .into_iter()
                .map(|item| match item {
                    toml::Value::String(text) => Some(text),
                    _ => None,
                })
                .collect::<Option<_>>()?;
            if key.name.ends_with("_args") {
                shlex::try_join(items.iter().map(String::as_str)).ok()
            } else {
                Some(items.join(","))
            }
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}
