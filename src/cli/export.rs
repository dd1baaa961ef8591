//! `crm export`: all messages or customers, streamed into a file or a pipe, so that they never have to fit into memory.

use std::io::{IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use futures_util::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use reqwest::{Method, Response};

use super::client::{send, with_query};
use super::desk::export_job;
use super::generate::complete;
use super::time::moment;
use super::{Exit, Fault, Format, Shell, file};
use crate::contract::ExportRequest;
use crate::domain::export::{ExportFormat, ExportWhat};
use crate::domain::{self, ConversationId};

/// Export all messages or customers
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Export {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[arg(value_enum, required = true)]
    what: Option<What>,
    /// Let the server write the file while nobody waits. With --out this waits and downloads it; without, it prints the
    /// export
    #[arg(long)]
    job: bool,
    /// ndjson or csv [default: ndjson]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write to this file, which appears once it is complete; - is standard output, and the default without --job
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long, requires = "out")]
    force: bool,
    /// Only messages of this account, or customers with whom it has a conversation
    #[arg(long, value_name = "NAME", add = complete::accounts())]
    account: Option<String>,
    /// Only messages of this conversation
    #[arg(long, value_name = "ID", add = complete::conversations())]
    conversation: Option<i64>,
    /// Only messages written at or after this time; a date is its beginning here (2026-01-01)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<Timestamp>,
    /// Only messages written before this time or date
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Job(export_job::Job),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    Messages,
    Customers,
}

impl Export {
    /// Runs the command.
    pub async fn run(mut self, shell: &Shell) -> anyhow::Result<Exit> {
        if let Some(Verb::Job(job)) = self.verb.take() {
            return job.run(shell).await;
        }
        let format = self.format(shell.options.output)?;
        self.check()?;
        if self.job {
            export_job::ask(shell, &self.request(format), self.out, self.force).await?;
            return Ok(Exit::Ok);
        }
        let path = self.path(format);
        let out = file::target(self.out, self.force)?;
        let response = send(shell.client()?.request(Method::GET, &path)).await?;
        write(response, out.as_deref()).await?;
        Ok(Exit::Ok)
    }

    /// Returns the format of the rows. Of a job, `-o` is the format in which the export itself is printed.
    fn format(&self, output: Option<Format>) -> anyhow::Result<ExportFormat> {
        let output = output.filter(|_| !self.job);
        match self.format.or(output).unwrap_or(Format::Ndjson) {
            Format::Ndjson => Ok(ExportFormat::Ndjson),
            Format::Csv => Ok(ExportFormat::Csv),
            Format::Table | Format::Json => {
                let text = "an export is written as ndjson or csv; choose one with --format";
                Err(Fault::new(Exit::Usage, text).into())
            }
        }
    }

    /// Fails if an option of messages is given for customers.
    fn check(&self) -> anyhow::Result<()> {
        let of_messages = [
            ("--conversation", self.conversation.is_some()),
            ("--from", self.from.is_some()),
            ("--until", self.until.is_some()),
        ];
        match of_messages.into_iter().find(|(_, is_given)| *is_given) {
            Some((option, _)) if self.what() == ExportWhat::Customers => {
                let text = format!("{option} chooses messages; leave it out, or choose customers with --account");
                Err(Fault::new(Exit::Usage, text).into())
            }
            _ => Ok(()),
        }
    }

    fn what(&self) -> ExportWhat {
        match self.what {
            Some(What::Customers) => ExportWhat::Customers,
            Some(What::Messages) | None => ExportWhat::Messages,
        }
    }

    fn request(&self, format: ExportFormat) -> ExportRequest {
        let time = |moment: Option<Timestamp>| moment.map(|moment| domain::Timestamp(moment.as_millisecond()));
        ExportRequest {
            what: self.what(),
            format: Some(format),
            account: self.account.clone(),
            account_id: None,
            customer_id: None,
            conversation_id: self.conversation.map(ConversationId),
            from: time(self.from),
            until: time(self.until),
        }
    }

    fn path(&self, format: ExportFormat) -> String {
        let pairs = [
            ("format", Some(format.to_string())),
            ("account", self.account.clone()),
            ("conversation_id", self.conversation.map(|id| id.to_string())),
            ("from", self.from.map(|moment| moment.to_string())),
            ("until", self.until.map(|moment| moment.to_string())),
        ];
        let given = pairs
            .iter()
            .filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        with_query(&format!("/api/v1/export/{}", self.what()), given)
    }
}

/// Writes an answer to a file, which appears once it is complete, or to standard output.
pub async fn write(response: Response, out: Option<&Path>) -> anyhow::Result<()> {
    match out {
        None => copy(response, &mut std::io::stdout()).await,
        Some(path) => into_file(response, path).await,
    }
}

/// Writes an answer to a file, which appears once it is complete.
pub async fn into_file(response: Response, path: &Path) -> anyhow::Result<()> {
    let mut part = file::begin(path)?;
    copy(response, &mut part).await?;
    file::finish(part, path)
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
