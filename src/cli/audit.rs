//! `crm audit`: what was done with the keys that may manage and administer.

use clap::Args;

use super::listing::{self, Amount};
use super::{Exit, Shell};

/// List what was done with keys of scope manage and admin, the newest first
#[derive(Debug, Args)]
pub struct Audit {
    #[command(flatten)]
    amount: Amount,
}

const COLUMNS: &[&str] = &["id", "at", "actor", "action", "subject"];

impl Audit {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        listing::show(shell, &client, "/api/v1/audit", self.amount, COLUMNS).await?;
        Ok(Exit::Ok)
    }
}
