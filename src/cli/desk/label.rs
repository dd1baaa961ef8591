//! `crm label`: the labels that conversations and customers can have.

use clap::{Args, Subcommand};
use reqwest::Method;

use crate::api::in_path;
use crate::cli::client::Client;
use crate::cli::follow::{self, watch::Watch};
use crate::cli::generate::complete;
use crate::cli::terminal::output::{Output, note};
use crate::cli::{Exit, Shell};
use crate::contract::{EditLabel, Empty, NewLabelRequest, Page, RawJson};

/// Labels of conversations and customers
#[derive(Debug, Args)]
pub struct Label {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the labels
    List {
        #[command(flatten)]
        watch: Watch,
    },
    /// Show a label
    View {
        /// Name of the label
        #[arg(value_name = "NAME", add = complete::labels())]
        name: String,
    },
    /// Create a label
    Create {
        /// Name of the label
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        looks: Looks,
    },
    /// Change the colour or the description of a label
    Edit {
        /// Name of the label
        #[arg(value_name = "NAME", add = complete::labels())]
        name: String,
        #[command(flatten)]
        looks: Looks,
    },
    /// Delete a label, and take it off all conversations and customers
    Delete {
        /// Name of the label
        #[arg(value_name = "NAME", add = complete::labels())]
        name: String,
    },
}

#[derive(Debug, Args)]
struct Looks {
    /// Colour: # and six hexadecimal digits
    #[arg(long, value_name = "COLOUR")]
    color: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    description: Option<String>,
}

const PATH: &str = "/api/v1/labels";
const COLUMNS: &[&str] = &["name", "color", "description"];

impl Label {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        let path = |name: &str| format!("{PATH}/{}", in_path(name));
        let label: RawJson = match self.verb {
            Verb::List { watch } => {
                let about = follow::events(&["label.created", "label.updated", "label.deleted"]);
                return watch.run(shell, about, |output| list(output, &client)).await;
            }
            Verb::Delete { name } => {
                client.delete(&path(&name)).await?;
                note(&format!(
                    "Label {name} is deleted, and off all conversations and customers."
                ));
                return Ok(Exit::Ok);
            }
            Verb::View { name } => client.get(&path(&name)).await?,
            Verb::Create { name, looks } => {
                let body = NewLabelRequest {
                    name,
                    color: looks.color,
                    description: looks.description,
                };
                client.post(PATH, &body).await?
            }
            Verb::Edit { name, looks } => {
                let body = EditLabel {
                    color: looks.color.map(Some),
                    description: looks.description.map(Some),
                };
                client.change(Method::PATCH, &path(&name), &body).await?
            }
        };
        shell.output().one(&label)?;
        Ok(Exit::Ok)
    }
}

/// Puts labels (`+vip`) on what is at a path of the API, takes others (`-new`) off, and prints it as it is then.
pub async fn apply(shell: &Shell, client: &Client, path: &str, labels: &[String]) -> anyhow::Result<()> {
    let mut changed = None;
    for label in labels {
        let (method, name) = match label.strip_prefix('-') {
            Some(name) => (Method::DELETE, name),
            None => (Method::PUT, label.strip_prefix('+').unwrap_or(label)),
        };
        let path = format!("{path}/labels/{}", in_path(name));
        changed = Some(client.change::<RawJson>(method, &path, &Empty {}).await?);
    }
    match changed {
        Some(changed) => shell.output().one(&changed),
        None => Ok(()),
    }
}

async fn list(mut output: Output, client: &Client) -> anyhow::Result<Output> {
    let labels: Page<RawJson> = client.get(PATH).await?;
    output.list(&labels.data, COLUMNS)?;
    Ok(output)
}
