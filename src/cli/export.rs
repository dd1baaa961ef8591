//! `crm export`: all messages or customers, streamed into a file or a pipe, so that they never have to fit into memory.

use std::io::{IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use futures_util::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Method, Response};

use super::client::{send, with_query};
use super::{Exit, Fault, Format, Shell};

/// Export all messages or customers
#[derive(Debug, Args)]
pub struct Export {
    #[arg(value_enum)]
    what: What,
    /// ndjson or csv [default: ndjson]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write to this file, which appears once it is complete [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Only messages of this account, or customers with whom it has a conversation
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Only messages of this conversation
    #[arg(long, value_name = "ID")]
    conversation: Option<i64>,
    /// Only messages written at or after this time
    #[arg(long, value_name = "TIME")]
    from: Option<jiff::Timestamp>,
    /// Only messages written before this time
    #[arg(long, value_name = "TIME")]
    until: Option<jiff::Timestamp>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    Messages,
    Customers,
}

impl Export {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let path = self.path(shell.options.output)?;
        let response = send(shell.client()?.request(Method::GET, &path)).await?;
        match &self.out {
            None => copy(response, &mut std::io::stdout()).await?,
            Some(path) => into_file(response, path).await?,
        }
        Ok(Exit::Ok)
    }

    fn path(&self, output: Option<Format>) -> anyhow::Result<String> {
        let format = match self.format.or(output).unwrap_or(Format::Ndjson) {
            Format::Ndjson => "ndjson",
            Format::Csv => "csv",
            Format::Table | Format::Json => {
                return Err(Fault::new(
                    Exit::Usage,
                    "an export is written as ndjson or csv; choose one with --format",
                )
                .into());
            }
        };
        let what = match self.what {
            What::Messages => "messages",
            What::Customers => "customers",
        };
        let pairs = [
            ("format", Some(format.to_owned())),
            ("account", self.account.clone()),
            ("conversation_id", self.conversation.map(|id| id.to_string())),
            ("from", self.from.map(|moment| moment.to_string())),
            ("until", self.until.map(|moment| moment.to_string())),
        ];
        let given = pairs
            .iter()
            .filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        Ok(with_query(&format!("/api/v1/export/{what}"), given))
    }
}

/// Writes an answer to a temporary file beside `path`, and renames it once it is complete.
pub async fn into_file(response: Response, path: &Path) -> anyhow::Result<()> {
    let mut name = path.file_name().context("the path names no file")?.to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let writing = || format!("writing {}", part.display());
    let mut file = std::fs::File::create(&part).with_context(writing)?;
    let copied = copy(response, &mut file).await;
    let synced = copied.and_then(|()| file.sync_all().with_context(writing));
    if let Err(error) = synced {
        // An incomplete export is of no use.
        let _ = std::fs::remove_file(&part);
        return Err(error);
    }
    std::fs::rename(&part, path).with_context(|| format!("putting {} in its place", path.display()))
}

async fn copy(response: Response, out: &mut impl Write) -> anyhow::Result<()> {
    let total = response
        .headers()
        .get("x-total-count")
        .and_then(|total| total.to_str().ok()?.parse().ok());
    let bar = progress(total);
    let mut pieces = response.bytes_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| {
            Fault::new(
                Exit::Failed,
                "the server closed the connection, so the output is incomplete; its log says why",
            )
        })?;
        // Writing blocks while the reader of a pipe is slow; Ctrl-C has to work meanwhile.
        tokio::task::block_in_place(|| out.write_all(&piece))?;
        bar.inc(piece.split(|byte| *byte == b'\n').count() as u64 - 1);
    }
    out.flush()?;
    bar.finish_and_clear();
    Ok(())
}

/// Returns a bar that counts rows; hidden when standard error is no terminal.
fn progress(total: Option<u64>) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = match total {
        Some(total) => ProgressBar::new(total),
        None => ProgressBar::new_spinner(),
    };
    let template = match total {
        Some(_) => "{bar:30} {pos}/{len} rows  {per_sec}  {eta}",
        None => "{spinner} {pos} rows  {per_sec}",
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
