//! Gathers raw values from flags, environment, files and defaults, in that order of precedence, and refuses every key that
//! is not one of ours by name.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::ConfigError;
use super::keys::{KEYS, Key, nearest};
use crate::domain::account_name::AccountName;

/// What the outside says, taken once at the start.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    pub variables: BTreeMap<String, OsString>,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_process() -> Self {
        Self {
            variables: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
                .collect(),
        }
    }

    /// A variable that says something.
    pub fn get(&self, name: &str) -> Option<&OsString> {
        self.variables.get(name).filter(|value| !value.is_empty())
    }

    /// `$XDG_…_HOME/crm`, or its place under `$HOME`.
    pub fn xdg(&self, variable: &str, under_home: &str) -> Option<PathBuf> {
        self.get(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| Some(Path::new(self.get("HOME")?).join(under_home)))
            .map(|path| path.join("crm"))
    }

    /// The path with `~/` written out.
    pub fn expand(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), self.get("HOME")) {
            (Some(rest), Some(home)) => Path::new(home).join(rest),
            _ => PathBuf::from(path),
        }
    }
}

/// Where a value comes from, to be named in errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Flag,
    Variable,
    File(PathBuf),
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

/// Each key's value and where it comes from. An empty value counts as none.
#[derive(Clone, Debug)]
pub struct Values {
    general: BTreeMap<&'static str, (String, Source)>,
    /// By name, those of accounts that have some of their own, which win over all general ones.
    accounts: BTreeMap<String, Values>,
}

/// What a file says: of everything, and of single accounts.
#[derive(Default)]
struct Said {
    general: Vec<(&'static Key, String)>,
    accounts: Vec<(String, &'static Key, String)>,
}

impl Values {
    pub fn gather(
        flags: &[(&'static str, String)],
        surroundings: &Surroundings,
        files: &[PathBuf],
    ) -> Result<Self, ConfigError> {
        let mut values: BTreeMap<_, _> = KEYS
            .iter()
            .map(|key| (key.name, (key.default.to_owned(), Source::Default)))
            .collect();
        let mut of_accounts: BTreeMap<String, BTreeMap<&'static str, (String, Source)>> = BTreeMap::new();
        for path in files.iter().rev() {
            let said = read_file(path)?;
            for (key, value) in said.general {
                values.insert(key.name, (value, Source::File(path.clone())));
            }
            for (account, key, value) in said.accounts {
                let own = of_accounts.entry(account).or_default();
                own.insert(key.name, (value, Source::File(path.clone())));
            }
        }
        for (key, value) in read_variables(surroundings)? {
            values.insert(key.name, (value, Source::Variable));
        }
        for (name, value) in flags {
            values.insert(name, (value.clone(), Source::Flag));
        }
        let accounts = of_accounts.into_iter().map(|(name, own)| {
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

    /// The values of accounts that have some of their own, complete.
    pub fn accounts(&self) -> impl Iterator<Item = (&String, &Self)> {
        self.accounts.iter()
    }

    /// The value of a key, parsed.
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

    /// The value of a key, if there is one.
    pub fn text(&self, name: &'static str) -> Option<&str> {
        let (value, _) = self.raw(name);
        (!value.is_empty()).then_some(value)
    }

    /// Which of two keys was set by the stronger source, when both are set by different ones.
    pub fn raw(&self, name: &'static str) -> (&str, &Source) {
        // Every name is one of KEYS; a test goes through all of them.
        self.general
            .get(name)
            .map_or(("", &Source::Default), |(value, source)| (value.trim(), source))
    }
}

/// How variables begin that belong to whoever tests us.
const OF_TESTS: [&str; 5] = ["CRM_TEST", "CRM_TORTURE_", "CRM_SIMULATION_", "CRM_BENCH_", "CRM_DEMO_"];

/// Our variables.
fn read_variables(surroundings: &Surroundings) -> Result<Vec<(&'static Key, String)>, ConfigError> {
    surroundings
        .variables
        .iter()
        .filter(|(name, _)| name.starts_with("CRM_") && *name != "CRM_CONFIG")
        .filter(|(name, _)| !OF_TESTS.iter().any(|prefix| name.starts_with(prefix)))
        .map(|(name, value)| {
            let key = Key::of_variable(name).ok_or_else(|| ConfigError::UnknownVariable {
                name: name.clone(),
                nearest: nearest(name, KEYS.iter().map(Key::variable)),
            })?;
            let value = value
                .to_str()
                .ok_or_else(|| ConfigError::NotUtf8 { name: name.clone() })?;
            Ok((key, value.to_owned()))
        })
        .collect()
}

fn read_file(path: &Path) -> Result<Said, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
        path: path.to_owned(),
        error,
    })?;
    let mut table: toml::Table = text.parse().map_err(|error| ConfigError::NotToml {
        path: path.to_owned(),
        error: Box::new(error),
    })?;
    let mut said = Said::default();
    if let Some(toml::Value::Table(accounts)) = table.remove("account") {
        for (name, section) in accounts {
            read_account(path, &name, section, &mut said)?;
        }
    }
    flatten(path, "", table, &mut said.general)?;
    Ok(said)
}

/// `[account.NAME]`.
fn read_account(path: &Path, name: &str, section: toml::Value, said: &mut Said) -> Result<(), ConfigError> {
    let (Ok(_), toml::Value::Table(section)) = (name.parse::<AccountName>(), section) else {
        return Err(ConfigError::NotAnAccount {
            name: name.to_owned(),
            path: path.to_owned(),
        });
    };
    for (key, value) in section {
        let known = Key::of_account(&key).ok_or_else(|| ConfigError::UnknownKey {
            nearest: nearest(&key, Key::all_of_account().map(Key::short)),
            name: format!("account.{name}.{key}"),
            path: path.to_owned(),
        })?;
        said.accounts
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
        let is_section = KEYS.iter().any(|key| key.name.starts_with(&format!("{name}.")));
        match value {
            toml::Value::Table(inner) if is_section => flatten(path, &format!("{name}."), inner, values)?,
            value => {
                let key = Key::find(&name).ok_or_else(|| ConfigError::UnknownKey {
                    nearest: nearest(&name, KEYS.iter().map(|key| key.name)),
                    name: name.clone(),
                    path: path.to_owned(),
                })?;
                values.push((key, text_of(key, value, path)?));
            }
        }
    }
    Ok(())
}

/// A value of a file as it would be written in a variable.
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
