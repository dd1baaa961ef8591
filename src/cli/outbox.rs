//! `crm outbox`: the work that waits to go out.

use clap::{Args, Subcommand};

use super::client::{Client, read};
use super::follow::{self, watch::Watch};
use super::terminal::output::Output;
use super::{Exit, Shell};
use crate::contract::{Empty, OutboxView, RawJson};

/// What waits to go out
#[derive(Debug, Args)]
pub struct Outbox {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show how much waits, and whether it is parked
    Status {
        #[command(flatten)]
        watch: Watch,
    },
    /// Release what a restore has parked
    Resume,
}

impl Outbox {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        match self.verb {
            Verb::Status { watch } => {
                let show = |output| status(output, &client);
                watch.run(shell, follow::events(CHANGES), show).await
            }
            Verb::Resume => {
                let outbox: RawJson = client.post("/api/v1/outbox/resume", &Empty {}).await?;
                show(shell.output(), &outbox)?;
                Ok(Exit::Ok)
            }
        }
    }
}

/// Types of events after which more or less may wait.
const CHANGES: &[&str] = &[
    "message.deleted",
    "message.edited",
    "message.queued",
    "message.reaction",
    "message.received",
    "message.state",
];

const COLUMNS: &[&str] = &["target", "account_id", "waiting", "started", "refused", "oldest"];

async fn status(output: Output, client: &Client) -> anyhow::Result<Output> {
    show(output, &client.get("/api/v1/outbox").await?)
}

/// Prints what waits: for people a row for each target and account, for programs as the server sent it.
fn show(mut output: Output, outbox: &RawJson) -> anyhow::Result<Output> {
    if !output.is_for_people() {
        output.one(outbox)?;
        return Ok(output);
    }
    let OutboxView { parked, waiting } = read(outbox)?;
    if parked {
        output.line("outbox: parked after a restore; look through it, then `crm outbox resume`")?;
    }
    if waiting.is_empty() {
        output.line("outbox: nothing waits")?;
    }
    output.list(&waiting, COLUMNS)?;
    Ok(output)
}
