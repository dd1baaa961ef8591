//! `crm backup`: a consistent copy of the whole database, taken while the server runs.

pub mod restore;

use std::path::PathBuf;

use clap::Args;
use reqwest::Method;

use super::client::send;
use super::terminal::output;
use super::{Exit, Fault, Shell, export};

/// Write a backup of everything, also while the server runs
#[derive(Debug, Args)]
pub struct Backup {
    /// The file, which appears once it is complete
    path: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

impl Backup {
    /// Runs the command. Refuses to overwrite a file without `--force`.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        if !self.force && self.path.exists() {
            let text = format!(
                "{} exists already; name another file, or pass --force",
                self.path.display()
            );
            return Err(Fault::new(Exit::Conflict, text).into());
        }
        let response = send(shell.client()?.request(Method::GET, "/api/v1/backup")).await?;
        export::into_file(response, &self.path).await?;
        output::note(&format!("Written to {}.", self.path.display()));
        Ok(Exit::Ok)
    }
}
