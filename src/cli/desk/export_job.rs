//! `crm export job`: exports that the server writes to a file while nobody waits.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use reqwest::{Method, Response};

use crate::cli::client::{self, Client, send};
use crate::cli::follow::watch::Watch;
use crate::cli::follow::{self, Follower, Patience};
use crate::cli::terminal::output::note;
use crate::cli::{Exit, Fault, Shell, export, file, listing};
use crate::contract::{ExportRequest, ExportView, RawJson};
use crate::domain::export::ExportState;

/// Exports that the server writes to a file (`crm export messages --job`)
#[derive(Debug, Args)]
pub struct Job {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List exports, newest first
    List {
        #[command(flatten)]
        amount: listing::Amount,
        #[command(flatten)]
        watch: Watch,
    },
    /// Show an export
    View {
        /// Id of the job, from `crm export job list`
        #[arg(value_name = "ID")]
        id: i64,
    },
    /// Download the file of an export, once it is done
    Download {
        /// Id of the job, from `crm export job list`
        #[arg(value_name = "ID")]
        id: i64,
        /// Write to this file, which appears once it is complete; - is standard output [default: -]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Replace the file if it is there
        #[arg(long, requires = "out")]
        force: bool,
    },
    /// Cancel an export that waits or runs; delete one that has ended, with its file
    Cancel {
        /// Id of the job, from `crm export job list`
        #[arg(value_name = "ID")]
        id: i64,
    },
}

const PATH: &str = "/api/v1/exports";
const EVENTS: &[&str] = &["export.state"];
/// Time after which an export that is waited for is looked at without an event: rights may change meanwhile, and a wait of
/// hours must not hang on one event.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(5);
const COLUMNS: &[&str] = &[
    "id",
    "what",
    "format",
    "state",
    "rows",
    "bytes",
    "created_at",
    "expires_at",
];

impl Job {
    /// Runs the command. `write` writes an answer to a file, or to standard output.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        match self.verb {
            Verb::List { amount, watch } => {
                let show = |output| listing::show(output, &client, PATH, amount, COLUMNS);
                return watch.run(shell, follow::events(EVENTS), show).await;
            }
            Verb::View { id } => {
                let job: RawJson = client.get(&format!("{PATH}/{id}")).await?;
                shell.output().one(&job)?;
            }
            Verb::Download { id, out, force } => {
                let out = file::target(out, force)?;
                until_ended(&client, id).await?;
                export::write(content(&client, id).await?, out.as_deref()).await?;
            }
            Verb::Cancel { id } => {
                client.delete(&format!("{PATH}/{id}")).await?;
                note(&format!(
                    "Export {id} is cancelled, and its file is deleted if there was one."
                ));
            }
        }
        Ok(Exit::Ok)
    }
}

/// Asks for an export. With a file, or `-`, it waits and downloads it there; without one it prints the export.
pub async fn ask(shell: &Shell, request: &ExportRequest, out: Option<PathBuf>, force: bool) -> anyhow::Result<()> {
    let client = shell.client()?;
    let downloads = out.is_some();
    let out = file::target(out, force)?;
    let asked: RawJson = client.post(PATH, request).await?;
    if !downloads {
        return shell.output().one(&asked);
    }
    let job: ExportView = client::read(&asked)?;
    until_ended(&client, job.id.0).await?;
    export::write(content(&client, job.id.0).await?, out.as_deref()).await
}

async fn content(client: &Client, id: i64) -> anyhow::Result<Response> {
    send(client.request(Method::GET, &format!("{PATH}/{id}/content"))).await
}

/// Waits until an export has ended. Fails if there is no file.
async fn until_ended(client: &Client, id: i64) -> anyhow::Result<()> {
    let follower =
        Follower::new(client, follow::events(EVENTS), None, Patience::Connected).reading_every(LOOKED_AT_EVERY);
    let mut ended = None;
    follower
        .until(&format!("{PATH}/{id}"), |state| {
            let job: ExportView = client::read(&state)?;
            ended = Some(job).filter(|job| job.id.0 == id && !job.state.is_open());
            Ok(ended.is_some())
        })
        .await?;
    match ended {
        Some(job) if job.state != ExportState::Done => {
            let why = job.failure.as_deref().unwrap_or("it was cancelled; ask for it again");
            Err(Fault::new(Exit::Failed, format!("export {id} has no file: {why}")).into())
        }
        _ => Ok(()),
    }
}
