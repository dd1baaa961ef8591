//! `crm restore`: reads a backup into an empty database. Its outbox stays parked until a person releases it (rule 5).

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use crate::cli::home::Home;
use crate::cli::terminal::output;
use crate::cli::{Exit, Fault, Shell, home};
use crate::store::{Store, StoreError};

/// Most bytes of the first line of a backup.
const MAX_HEADER: u64 = 4096;

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
        let mut file = BufReader::new(tokio::fs::File::open(&self.path).await.with_context(reading)?);
        // Looked at first: opening the database creates it.
        let mut first = vec![];
        let mut header = (&mut file).take(MAX_HEADER);
        header.read_until(b'\n', &mut first).await.with_context(reading)?;
        Store::check_backup(&first).map_err(|error| self.refused(error))?;
        let home = Home::open(&shell.config, "crm restore").await?;
        let backup = std::io::Cursor::new(first).chain(file);
        let report = home.store.load(backup).await.map_err(home::fault)?;
        home.store.close().await;
        output::note(&format!(
            "Restored {} messages ({} rows). Nothing is sent before you say so: start the server, look at `crm outbox status`, then `crm outbox resume`.",
            report.messages, report.rows
        ));
        Ok(Exit::Ok)
    }

    fn refused(&self, error: StoreError) -> anyhow::Error {
        match error {
            StoreError::BadBackup(_) => {
                let path = self.path.display();
                let text = format!("{path} is no backup of crm; name a file that `crm backup` has written");
                Fault::new(Exit::Usage, text).into()
            }
            other => home::fault(other),
        }
    }
}
