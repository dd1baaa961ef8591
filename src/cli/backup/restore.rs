//! `crm restore`: reads a backup into an empty database. Its outbox stays parked until a person releases it (rule 5).

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use tokio::io::BufReader;

use crate::cli::home::Home;
use crate::cli::terminal::output;
use crate::cli::{Exit, Shell, home};

/// Read a backup into an empty database; the server has to be stopped
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup
    path: PathBuf,
}

impl Restore {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let reading = || format!("reading {}", self.path.display());
        let file = tokio::fs::File::open(&self.path).await.with_context(reading)?;
        let home = Home::open(&shell.config, "crm restore").await?;
        let report = home.store.load(BufReader::new(file)).await.map_err(home::fault)?;
        home.store.close().await;
        output::note(&format!(
            "Restored {} messages ({} rows). Nothing is sent before you say so: start the server, look at `crm outbox status`, then `crm outbox resume`.",
            report.messages, report.rows
        ));
        Ok(Exit::Ok)
    }
}
