//! Completion of names and ids: the shell asks this program, and this program asks the server, briefly and in silence.

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::sync::OnceLock;
use std::time::Duration;

use clap::Command;
use clap_complete::env::CompleteEnv;
use clap_complete::{ArgValueCompleter, CompletionCandidate};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::cli::client::{Client, with_query};
use crate::cli::terminal::layout::cut;
use crate::cli::terminal::output::plain;
use crate::config::{Config, Environment};
use crate::contract::Page;

/// Variable that says for which shell this program completes. It has no `CRM_` in front: it is no setting.
pub const VARIABLE: &str = "_CRM_COMPLETE";
/// Time that the server has to answer. A person waits at the keyboard.
const BRIEFLY: Duration = Duration::from_millis(300);
/// Most candidates that the server is asked for.
const MOST: &str = "100";
/// Columns of a description.
const DESCRIPTION: usize = 40;

/// The shell that completes.
static DIALECT: OnceLock<String> = OnceLock::new();

/// Answers a shell that asks for candidates of this command line, and ends the process; does nothing in a usual run.
pub fn answer(commands: fn() -> Command) {
    if let Some(dialect) = std::env::var_os(VARIABLE) {
        let _ = DIALECT.set(dialect.to_string_lossy().into_owned());
        CompleteEnv::with_factory(commands).var(VARIABLE).complete();
    }
}

/// Fields of a row that candidates are made of.
#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    id: Option<i64>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    phone: Option<String>,
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

/// Completes names of accounts.
pub fn accounts() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let word = Word::read(current);
        word.names(rows("/api/v1/accounts", &[]), |row| row.phone.clone())
    })
}

/// Completes names of agents.
pub fn agents() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let word = Word::read(current);
        word.names(rows("/api/v1/agents", &[("limit", MOST)]), |row| row.role.clone())
    })
}

/// Completes names of agents who work at the desk, and `none`.
pub fn assignees() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let word = Word::read(current);
        let agents = rows("/api/v1/agents", &[("active", "true"), ("limit", MOST)]);
        let mut found = word.names(agents, |row| row.role.clone());
        found.extend(word.candidate("none", Some("nobody")));
        found
    })
}

/// Completes one of these words.
pub fn words<T: Display + Send + Sync + 'static>(all: &'static [T]) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        let word = Word::read(current);
        let named = all.iter().filter_map(|known| word.candidate(&known.to_string(), None));
        named.collect()
    })
}

/// Completes names of labels.
pub fn labels() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let word = Word::read(current);
        word.names(rows("/api/v1/labels", &[]), |row| row.description.clone())
    })
}

/// Completes `+label` and `-label`.
pub fn label_changes() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let word = Word::read(current);
        let sign = if word.text.starts_with('-') { '-' } else { '+' };
        let labels = rows("/api/v1/labels", &[]).into_iter();
        let signed = labels.map(|row| Row {
            name: format!("{sign}{}", row.name),
            ..row
        });
        word.names(signed.collect(), |row| row.description.clone())
    })
}

/// Completes names of templates.
pub fn templates() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let word = Word::read(current);
        let templates = rows("/api/v1/templates", &[("limit", MOST)]);
        word.names(templates, |row| row.description.clone())
    })
}

/// Completes ids of customers, described by their names.
pub fn customers() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| Word::read(current).ids(rows("/api/v1/customers", &[("limit", MOST)])))
}

/// Completes ids of conversations, described by the names of their customers.
pub fn conversations() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| Word::read(current).ids(rows("/api/v1/conversations", &[("limit", MOST)])))
}

/// Completes recipients: numbers, and names of customers. Where several have one name, or the shell cannot be given it,
/// `customer:ID`.
pub fn recipients() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let word = Word::read(current);
        let mut query = vec![("limit", MOST)];
        if !word.text.is_empty() && !word.text.starts_with("customer:") {
            query.push(("search", word.text.as_str()));
        }
        let customers = rows("/api/v1/customers", &query);
        if word.text.starts_with('+') {
            let numbers = customers.iter().filter_map(|row| {
                let phone = row.phone.as_deref()?;
                word.candidate(phone, Some(&row.name))
            });
            return numbers.collect();
        }
        let named = |name: &str| customers.iter().filter(|row| row.name.to_lowercase() == name).count();
        let candidate = |row: &Row| {
            let phone = row.phone.as_deref();
            let is_clear = named(&row.name.to_lowercase()) == 1;
            if is_clear && let Some(candidate) = word.candidate(&row.name, phone) {
                return Some(candidate);
            }
            let by_id = format!("customer:{}", row.id?);
            let is_meant = word.begins(&row.name) || word.begins(&by_id);
            let description = format!("{} {}", row.name, phone.unwrap_or_default());
            is_meant.then(|| word.described(by_id, Some(&description)))
        };
        customers.iter().filter_map(candidate).collect()
    })
}

/// A word that is being typed.
struct Word {
    /// The word without the shell's quoting, in small letters.
    text: String,
    /// Quotation mark that opens the word and is not closed yet. bash closes it after the candidate.
    quote: Option<char>,
}

impl Word {
    fn read(current: &OsStr) -> Self {
        let (mut text, mut quote) = (String::new(), None);
        let mut escaped = false;
        for c in current.to_string_lossy().chars() {
            if is_bash() && c == '\\' && !escaped && quote != Some('\'') {
                escaped = true;
                continue;
            }
            let is_quote = is_bash() && !escaped && text.is_empty() && quote.is_none() && matches!(c, '"' | '\'');
            escaped = false;
            if is_quote {
                quote = Some(c);
            } else {
                text.push(c);
            }
        }
        Self {
            text: text.to_lowercase(),
            quote,
        }
    }

    fn begins(&self, value: &str) -> bool {
        value.to_lowercase().starts_with(&self.text)
    }

    /// Returns the candidate, if the word is its beginning and the shell can be given it.
    fn candidate(&self, value: &str, description: Option<&str>) -> Option<CompletionCandidate> {
        let is_meant = !value.is_empty() && self.begins(value);
        is_meant
            .then(|| quoted(value, self.quote))
            .flatten()
            .map(|value| self.described(value, description))
    }

    #[expect(clippy::unused_self, reason = "it stands beside `candidate`")]
    fn described(&self, value: String, description: Option<&str>) -> CompletionCandidate {
        let description = description.map(|text| cut(&plain(&text.replace(['\n', '\t'], " ")), DESCRIPTION));
        let description = description.filter(|text| !text.trim().is_empty());
        CompletionCandidate::new(value).help(description.map(Into::into))
    }

    fn names(&self, rows: Vec<Row>, describe: impl Fn(&Row) -> Option<String>) -> Vec<CompletionCandidate> {
        let candidate = |row: Row| self.candidate(&row.name, describe(&row).as_deref());
        rows.into_iter().filter_map(candidate).collect()
    }

    fn ids(&self, rows: Vec<Row>) -> Vec<CompletionCandidate> {
        let candidate = |row: Row| self.candidate(&row.id?.to_string(), Some(&row.name));
        rows.into_iter().filter_map(candidate).collect()
    }
}

fn is_bash() -> bool {
    DIALECT.get().is_some_and(|dialect| dialect == "bash")
}

/// Returns a value as the shell inserts it into its line. Names are chosen by strangers: nothing of one may be run. bash
/// inserts candidates as they are, zsh and fish quote them, and of the others we do not know. `None` where it cannot be quoted.
fn quoted(value: &str, quote: Option<char>) -> Option<String> {
    if plain(value) != value || value.contains(['\n', '\t']) {
        return None;
    }
    let is_safe = |c: char| c.is_alphanumeric() || "+-_@%.,/=".contains(c);
    let dialect = DIALECT.get().map(String::as_str);
    match dialect {
        Some("bash") => {
            let is_escaped = |c: char| match quote {
                None => !is_safe(c),
                Some('"') => "\"\\$`".contains(c),
                Some(_) => false,
            };
            // In double quotes the `\` before a `!` stays; between single ones nothing is escaped.
            let is_impossible = match quote {
                None => false,
                Some('"') => value.contains('!'),
                Some(_) => value.contains('\''),
            };
            if is_impossible {
                return None;
            }
            let mut text = String::new();
            for c in value.chars() {
                if is_escaped(c) {
                    text.push('\\');
                }
                text.push(c);
            }
            Some(text)
        }
        Some("zsh" | "fish") => Some(value.to_owned()),
        _ => value.chars().all(is_safe).then(|| value.to_owned()),
    }
}

/// Asks the server for rows. None if it does not answer in time, if there is no key, or if the configuration is wrong:
/// nobody reads an error between two keys.
fn rows(path: &str, query: &[(&str, &str)]) -> Vec<Row> {
    ask::<Page<Row>>(&with_query(path, query.iter().copied())).map_or_else(Vec::new, |page| page.data)
}

fn ask<T: DeserializeOwned>(path: &str) -> Option<T> {
    let client = Client::new(&config()?).ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .ok()?;
    let answer = runtime.block_on(async { tokio::time::timeout(BRIEFLY, client.get(path)).await });
    // A look-up of the server's name must not outlast the time.
    runtime.shutdown_background();
    answer.ok()?.ok()
}

/// Returns the configuration, with the flags that stand in the line.
fn config() -> Option<Config> {
    let words: Vec<String> = std::env::args_os()
        .skip_while(|word| word != "--")
        .map(OsString::into_string)
        .collect::<Result<_, _>>()
        .ok()?;
    let given = |flag: &str| {
        let with_value = format!("{flag}=");
        let after = words
            .iter()
            .position(|word| word == flag)
            .and_then(|at| words.get(at + 1));
        after.cloned().or_else(|| {
            words
                .iter()
                .find_map(|word| Some(word.strip_prefix(&with_value)?.to_owned()))
        })
    };
    let flags = [("url", given("--url")), ("data_dir", given("--data-dir"))];
    let flags: Vec<_> = flags
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect();
    let file = given("--config").map(std::path::PathBuf::from);
    Config::load(&flags, file.as_deref(), &Environment::of_process()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_with_commands_is_quoted_for_bash() {
        let _ = DIALECT.set("bash".to_owned());
        for (name, expected) in [
            ("Ada", "Ada"),
            ("Ada Lovelace", "Ada\\ Lovelace"),
            ("$(reboot)", "\\$\\(reboot\\)"),
            (
                "a;b|c&d`e`'\"<>*?[]{}!#~\\",
                "a\\;b\\|c\\&d\\`e\\`\\'\\\"\\<\\>\\*\\?\\[\\]\\{\\}\\!\\#\\~\\\\",
            ),
            ("山田 太郎", "山田\\ 太郎"),
        ] {
            assert_eq!(quoted(name, None).as_deref(), Some(expected));
            let typed = Word::read(OsStr::new(expected));
            assert!(typed.begins(name), "what was inserted is read again: {}", typed.text);
        }
        for name in ["a\nb", "a\u{1b}[2J", "a\u{202e}b", "a\tb"] {
            assert_eq!(quoted(name, None), None);
        }
        assert!(Word::read(OsStr::new("\"Ada L")).begins("Ada Lovelace"));
        for (quote, name, expected) in [
            ('"', "Ada Lovelace", Some("Ada Lovelace")),
            (
                '"',
                "$(reboot) `a` \"b\" \\",
                Some("\\$(reboot) \\`a\\` \\\"b\\\" \\\\"),
            ),
            ('"', "Ada!", None),
            ('\'', "$(reboot) \\!", Some("$(reboot) \\!")),
            ('\'', "O'Hara", None),
        ] {
            assert_eq!(quoted(name, Some(quote)).as_deref(), expected, "{quote}{name}");
        }
    }
}
