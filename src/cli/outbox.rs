//! `crm outbox`: the work that waits to go out.

use clap::{Args, Subcommand};

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
    Status,
    /// Release what a restore has parked
    Resume,
}

impl Outbox {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        let outbox: RawJson = match self.verb {
            Verb::Status => client.get("/api/v1/outbox").await?,
            Verb::Resume => client.post("/api/v1/outbox/resume", &Empty {}).await?,
        };
        shell.output().one(&outbox)?;
        Ok(Exit::Ok)
    }
}
