//! `crm backup`: a consistent copy of the whole database, taken while the server runs.

pub mod restore;

use std::path::PathBuf;

use clap::Args;
use reqwest::Method;

use super::client::send;
use super::terminal::output;
use super::{Exit, Shell, export, file};

/// Write a backup of everything, also while the server runs
#[derive(Debug, Args)]
pub struct Backup {
    /// The file, which appears once it is complete; - is standard output
    path: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

impl Backup {
    /// Runs the command. Refuses to overwrite a file without `--force`.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let path = file::target(Some(self.path), self.force)?;
        let response = send(shell.client()?.request(Method::GET, "/api/v1/backup")).await?;
        export::write(response, path.as_deref()).await?;
        if let Some(path) = path {
            output::note(&format!("Written to {}.", path.display()));
        }
        Ok(Exit::Ok)
    }
}
