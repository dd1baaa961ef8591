//! `crm attribute`: definitions of customers' attributes; and how `crm customer edit` reads values.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value};

use crate::api::in_path;
use crate::cli::client::Client;
use crate::cli::generate::complete;
use crate::cli::terminal::output::note;
use crate::cli::{Exit, Fault, Shell};
use crate::contract::{AttributeView, EditAttribute, NewAttributeRequest, Page, RawJson};
use crate::domain::attribute::{Attribute as Definition, AttributeKind};

/// Attributes of customers: which there are, and what they take
#[derive(Debug, Args)]
pub struct Attribute {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the definitions
    List,
    /// Show a definition
    View {
        /// Name of the attribute
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Define an attribute; values that customers have already stay
    Create {
        /// Name of the attribute
        #[arg(value_name = "NAME")]
        name: String,
        /// text, number, boolean, date, url or choice [default: choice with --choice, else text]
        #[arg(long, value_name = "KIND", add = complete::words(AttributeKind::ALL))]
        kind: Option<AttributeKind>,
        #[command(flatten)]
        details: Details,
    },
    /// Change the choices or the description of an attribute; values that customers have stay
    Edit {
        /// Name of the attribute
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        details: Details,
    },
    /// Delete a definition; values that customers have stay, and are free from then on
    Delete {
        /// Name of the attribute
        #[arg(value_name = "NAME")]
        name: String,
    },
}

#[derive(Debug, Args)]
struct Details {
    /// A value that it takes; repeat it for each. All of them together are the new choices
    #[arg(long = "choice", value_name = "VALUE", allow_hyphen_values = true)]
    choices: Vec<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    description: Option<String>,
}

const PATH: &str = "/api/v1/attributes";
const COLUMNS: &[&str] = &["name", "kind", "choices", "description"];

impl Attribute {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        let path = |name: &str| format!("{PATH}/{}", in_path(name));
        let given = |choices: Vec<String>| (!choices.is_empty()).then_some(choices);
        let attribute: RawJson = match self.verb {
            Verb::List => {
                let known: Page<RawJson> = client.get(PATH).await?;
                shell.output().list(&known.data, COLUMNS)?;
                return Ok(Exit::Ok);
            }
            Verb::Delete { name } => {
                client.delete(&path(&name)).await?;
                note(&format!(
                    "Attribute {name} is deleted; the values that customers have stay."
                ));
                return Ok(Exit::Ok);
            }
            Verb::View { name } => client.get(&path(&name)).await?,
            Verb::Create { name, kind, details } => {
                let of_choices = if details.choices.is_empty() {
                    AttributeKind::Text
                } else {
                    AttributeKind::Choice
                };
                let body = NewAttributeRequest {
                    name,
                    kind: kind.unwrap_or(of_choices),
                    choices: given(details.choices),
                    description: details.description,
                };
                client.post(PATH, &body).await?
            }
            Verb::Edit { name, details } => {
                let body = EditAttribute {
                    choices: given(details.choices),
                    description: details.description.map(Some),
                };
                client.change(Method::PATCH, &path(&name), &body).await?
            }
        };
        shell.output().one(&attribute)?;
        Ok(Exit::Ok)
    }
}

/// Changes of a customer's attributes.
#[derive(Clone, Debug, Args)]
pub struct Changes {
    /// Set an attribute; one without a definition is a text unless its value is JSON
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// Remove an attribute
    #[arg(long = "unset", value_name = "NAME")]
    unset: Vec<String>,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a name and a value, such as plan=pro".to_owned()),
    }
}

/// Changes whose values are read.
pub struct ReadChanges {
    set: Vec<(String, Value)>,
    unset: Vec<String>,
}

impl Changes {
    /// Reads the values by the definitions of the server. `None`: nothing is to be changed.
    pub async fn read(self, client: &Client) -> anyhow::Result<Option<ReadChanges>> {
        if self.set.is_empty() && self.unset.is_empty() {
            return Ok(None);
        }
        let mut set = vec![];
        if !self.set.is_empty() {
            let known: Page<AttributeView> = client.get(PATH).await?;
            let known: Vec<Definition> = known.data.into_iter().map(Into::into).collect();
            for (name, text) in self.set {
                let definition = known.iter().find(|known| known.name == name);
                let value = value(definition, &text)
                    .map_err(|why| Fault::new(Exit::Usage, format!("{why}, or remove it with --unset {name}")))?;
                set.push((name, value));
            }
        }
        Ok(Some(ReadChanges { set, unset: self.unset }))
    }
}

impl ReadChanges {
    /// Returns these attributes with the changes.
    pub fn applied(&self, mut attributes: Map<String, Value>) -> Map<String, Value> {
        attributes.extend(self.set.iter().cloned());
        attributes.retain(|name, _| !self.unset.contains(name));
        attributes
    }
}

fn value(definition: Option<&Definition>, text: &str) -> Result<Value, String> {
    match definition {
        Some(definition) => definition.read(text),
        None => Ok(serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn free_value_is_text_unless_it_is_json() {
        for (text, expected) in [
            ("pro", json!("pro")),
            ("42", json!(42)),
            ("\"42\"", json!("42")),
            ("true", json!(true)),
            ("null", json!(null)),
            ("[1, 2]", json!([1, 2])),
            ("{oops", json!("{oops")),
            ("", json!("")),
        ] {
            assert_eq!(value(None, text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn assignment_ends_name_at_first_sign() {
        assert_eq!(assignment("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(assignment("a="), Ok(("a".to_owned(), String::new())));
        assert!(assignment("a").is_err() && assignment("=a").is_err());
    }
}
