//! `crm media`: downloads pictures, voice notes and documents from the server.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use futures_util::StreamExt as _;
use reqwest::{Method, Response};
use sha2::{Digest as _, Sha256};

use super::client::{Client, send};
use super::terminal::bar;
use super::terminal::output::note;
use super::{Exit, Fault, Shell, file};
use crate::contract::{Empty, MediaView, RawJson};
use crate::domain::hex::hex;
use crate::domain::media::{clean_filename, ending};

/// Pictures, voice notes, documents
#[derive(Debug, Args)]
pub struct Media {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show type, size and state of a medium
    View {
        /// Id of the medium, from `crm message view`
        #[arg(value_name = "ID")]
        id: i64,
    },
    /// Download a medium
    Get {
        /// Id of the medium, from `crm message view`
        #[arg(value_name = "ID")]
        id: i64,
        /// Write to this file or folder; - is standard output [default: its own name, in the current folder]
        #[arg(long, value_name = "PATH")]
        out: Option<PathBuf>,
        /// Replace the file if it is there
        #[arg(long)]
        force: bool,
    },
    /// Fetch a medium from WhatsApp that is not stored here
    Fetch {
        /// Id of the medium, from `crm message view`
        #[arg(value_name = "ID")]
        id: i64,
    },
}

impl Media {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        match self.verb {
            Verb::View { id } => {
                let media: RawJson = client.get(&about(id)).await?;
                shell.output().one(&media)?;
            }
            Verb::Get { id, out, force } => get(&client, id, out, force).await?,
            Verb::Fetch { id } => {
                let media: RawJson = client.post(&format!("/api/v1/media/{id}/fetch"), &Empty {}).await?;
                shell.output().one(&media)?;
            }
        }
        Ok(Exit::Ok)
    }
}

fn about(id: i64) -> String {
    format!("/api/v1/media/{id}/info")
}

async fn get(client: &Client, id: i64, out: Option<PathBuf>, force: bool) -> anyhow::Result<()> {
    let about: MediaView = client.get(&about(id)).await?;
    let path = file::target(place(&about, id, out), force)?;
    let response = send(client.request(Method::GET, &format!("/api/v1/media/{id}"))).await?;
    match path {
        None => copy(response, &about, &mut std::io::stdout()).await,
        Some(path) => {
            into_file(response, &about, &path).await?;
            note(&format!("Written to {}.", path.display()));
            Ok(())
        }
    }
}

/// Returns the file to write, or `None` for standard output. The sender's file name is cleaned, so that it cannot lead
/// to another folder.
fn place(about: &MediaView, id: i64, out: Option<PathBuf>) -> Option<PathBuf> {
    let name = || {
        let own = about.filename.as_deref().and_then(clean_filename);
        own.unwrap_or_else(|| format!("medium-{id}.{}", ending(&about.mimetype)))
    };
    match out {
        Some(path) if path.as_os_str() == "-" => None,
        Some(path) if path.is_dir() => Some(path.join(name())),
        Some(path) => Some(path),
        None => Some(PathBuf::from(name())),
    }
}

/// Writes to a file, which appears once it is complete.
async fn into_file(response: Response, about: &MediaView, path: &Path) -> anyhow::Result<()> {
    let mut part = file::begin(path)?;
    copy(response, about, &mut part).await?;
    file::finish(part, path)
}

async fn copy(response: Response, about: &MediaView, out: &mut impl std::io::Write) -> anyhow::Result<()> {
    let broke_off = || Fault::new(Exit::Failed, "the download is incomplete or damaged; try again");
    let bar = bar::bytes(about.size);
    let mut hash = Sha256::new();
    let mut pieces = response.bytes_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| broke_off())?;
        hash.update(&piece);
        // Writing blocks while the reader of a pipe is slow; Ctrl-C has to work meanwhile.
        tokio::task::block_in_place(|| out.write_all(&piece))?;
        bar.inc(piece.len() as u64);
    }
    out.flush()?;
    bar.finish_and_clear();
    let got = hex(&hash.finalize());
    if about.sha256.as_ref() == Some(&got) {
        Ok(())
    } else {
        Err(broke_off().into())
    }
}
