//! `crm message`: what was said, and what a person decides about a message in trouble.

use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Exit, Shell, listing};
use crate::api::csv;

/// Messages, and decisions about those in trouble
#[derive(Debug, Args)]
pub struct Message {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the messages of a conversation, the oldest first
    List {
        #[arg(value_name = "CONVERSATION")]
        conversation: i64,
        #[command(flatten)]
        amount: listing::Amount,
        /// The newest first
        #[arg(long)]
        newest: bool,
    },
    /// Show a message
    View {
        #[arg(value_name = "ID")]
        id: i64,
    },
    /// Send a failed or unknown message again
    Retry {
        #[arg(value_name = "ID")]
        id: i64,
    },
    /// Say what became of a message whose outcome is unknown
    Resolve {
        #[arg(value_name = "ID")]
        id: i64,
        #[arg(value_enum)]
        state: Outcome,
    },
    /// Change what a message says, within 15 minutes
    Edit {
        #[arg(value_name = "ID")]
        id: i64,
        #[arg(value_name = "TEXT")]
        text: String,
    },
    /// Delete a message for everyone
    Delete {
        #[arg(value_name = "ID")]
        id: i64,
    },
    /// Put an emoji under a message; without one, take ours away
    React {
        #[arg(value_name = "ID")]
        id: i64,
        #[arg(value_name = "EMOJI", default_value = "", hide_default_value = true)]
        emoji: String,
    },
    /// Take back a message that has not gone out yet
    Cancel {
        #[arg(value_name = "ID")]
        id: i64,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Outcome {
    /// It did reach the customer
    Sent,
    /// It did not
    Failed,
}

const COLUMNS: &[&str] = &["id", "timestamp", "direction", "author", "state", "content"];

impl Message {
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        let (id, verb, body) = match self.verb {
            Verb::List {
                conversation,
                amount,
                newest,
            } => {
                let order = if newest { "desc" } else { "asc" };
                let path = format!("/api/v1/conversations/{conversation}/messages?order={order}");
                listing::show_to_people(shell, &client, &path, amount, COLUMNS, say_what_it_waits_for).await?;
                return Ok(Exit::Ok);
            }
            Verb::View { id } => {
                let message: Value = client.get(&format!("/api/v1/messages/{id}")).await?;
                return show(shell, &message);
            }
            Verb::Edit { id, text } => {
                let path = format!("/api/v1/messages/{id}");
                return show(
                    shell,
                    &client.change(Method::PATCH, &path, &json!({ "content": text })).await?,
                );
            }
            Verb::Delete { id } => {
                let path = format!("/api/v1/messages/{id}");
                return show(shell, &client.change(Method::DELETE, &path, &json!({})).await?);
            }
            Verb::React { id, emoji } => {
                let path = format!("/api/v1/messages/{id}/reaction");
                return show(
                    shell,
                    &client.change(Method::PUT, &path, &json!({ "emoji": emoji })).await?,
                );
            }
            Verb::Retry { id } => (id, "retry", json!({})),
            Verb::Cancel { id } => (id, "cancel", json!({})),
            Verb::Resolve { id, state } => {
                let state = match state {
                    Outcome::Sent => "sent",
                    Outcome::Failed => "failed",
                };
                (id, "resolve", json!({ "state": state }))
            }
        };
        let message: Value = client.post(&format!("/api/v1/messages/{id}/{verb}"), &body).await?;
        show(shell, &message)
    }
}

/// A message that waits says so where people look for its state.
fn say_what_it_waits_for(message: &mut Value) {
    if message["waiting"].is_object() {
        let waits = csv::cell(&message["waiting"]);
        message["state"] = format!("queued: {waits}").into();
    }
}

fn show(shell: &Shell, message: &Value) -> anyhow::Result<Exit> {
    shell.output().one(message)?;
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_waits_says_why_and_until_when_in_a_list() {
        let waiting = json!({ "reason": "quiet_hours", "until": "2026-09-22T07:00:00.000Z" });
        let mut message = json!({ "state": "queued", "waiting": waiting });
        say_what_it_waits_for(&mut message);
        assert_eq!(message["state"], "queued: quiet_hours until 2026-09-22T07:00:00.000Z");
        let mut message = json!({ "state": "sent" });
        say_what_it_waits_for(&mut message);
        assert_eq!(message["state"], "sent");
    }
}
