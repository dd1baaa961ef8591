//! `crm outbox`: the work that waits to go out.

use clap::{Args, Subcommand};

use super::client::Client;
use super::follow::{self, watch::Watch};
use super::terminal::output::Output;
use super::{Exit, Shell};
use crate::contract::{Empty, RawJson};

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
                shell.output().one(&outbox)?;
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

async fn status(mut output: Output, client: &Client) -> anyhow::Result<Output> {
    let outbox: RawJson = client.get("/api/v1/outbox").await?;
    output.one(&outbox)?;
    Ok(output)
}
