//! `crm doctor`: checks everything that the desk needs, and prints for each what it found and what to do.

mod accounts;
mod checks;
mod processes;

use clap::Args;
use serde::Serialize;

use super::client::Client;
use super::terminal::output;
use super::{Exit, Shell};
use crate::contract::{Empty, QuarantineView, ReplayView, StatusView};

/// Check everything that the desk needs, and say what to fix
#[derive(Debug, Args)]
pub struct Doctor {
    /// Try again to store the events in quarantine
    #[arg(long)]
    replay: bool,
    /// Believe the server's clock: it is right, although it has leapt ahead
    #[arg(long)]
    confirm_clock: bool,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Ok,
    Warning,
    Failed,
}

/// Result of one check.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    check: &'static str,
    pub verdict: Verdict,
    detail: String,
}

impl Finding {
    /// Returns the result of a check.
    pub fn new(check: &'static str, verdict: Verdict, detail: impl Into<String>) -> Self {
        Self {
            check,
            verdict,
            detail: detail.into(),
        }
    }
}

const COLUMNS: &[&str] = &["verdict", "check", "detail"];

/// Check of the attempt to store the quarantined events.
const REPLAY: &str = "replay";

const QUARANTINE_COLUMNS: &[&str] = &["id", "source", "times", "last_seen", "error"];

impl Doctor {
    /// Runs all checks. Exits with 1 if one failed, or if nobody could do what the options ask for; warnings are success.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let config = &shell.config;
        let mut findings = vec![checks::data_folder(config)];
        findings.extend(checks::file_system(config));
        findings.extend(checks::programs(config).await);
        findings.push(checks::homeserver(config).await);
        let client = checks::server(shell).await;
        match &client {
            Ok((client, status)) => {
                findings.push(Finding::new(
                    "server",
                    Verdict::Ok,
                    format!("answers at {}", config.url),
                ));
                findings.push(accounts::of_status(config, status));
                if self.confirm_clock {
                    findings.push(confirm_clock(client).await);
                } else {
                    findings.extend(checks::clock(status));
                }
                findings.extend(checks::status(status));
                if self.replay {
                    findings.push(replay(client).await);
                }
            }
            Err(finding) => {
                findings.push(Finding::new(finding.check, finding.verdict, finding.detail.clone()));
                findings.push(checks::database(config).await);
                findings.extend(accounts::of_database(config).await);
                findings.push(processes::left_over(&config.data_dir));
                // What was asked for and not done is no success.
                if self.confirm_clock {
                    let detail = "nothing was confirmed: there is no server to tell; see what is said of it here";
                    findings.push(Finding::new(checks::CLOCK, Verdict::Failed, detail));
                }
                if self.replay {
                    let detail = "nothing was replayed: there is no server to do it; see what is said of it here";
                    findings.push(Finding::new(REPLAY, Verdict::Failed, detail));
                }
            }
        }
        findings.push(checks::neighbours().await);
        shell.output().list(&findings, COLUMNS)?;
        if let Ok((client, _)) = &client {
            quarantine(shell, client).await?;
        }
        let failed = findings.iter().any(|finding| finding.verdict == Verdict::Failed);
        Ok(if failed { Exit::Failed } else { Exit::Ok })
    }
}

/// Asks the server to store the quarantined events again (rule 13).
async fn replay(client: &Client) -> Finding {
    let replayed: anyhow::Result<ReplayView> = client.post("/api/v1/quarantine/replay", &Empty {}).await;
    match replayed {
        Ok(replayed) => {
            let detail = format!("{} stored, {} still refused", replayed.taken_in, replayed.still_refused);
            Finding::new(REPLAY, Verdict::Ok, detail)
        }
        Err(error) => Finding::new(REPLAY, Verdict::Failed, format!("{error:#}")),
    }
}

/// Tells the server that its clock is right.
async fn confirm_clock(client: &Client) -> Finding {
    let confirmed: anyhow::Result<StatusView> = client.post("/api/v1/clock/confirm", &Empty {}).await;
    match confirmed {
        Ok(_) => Finding::new(
            checks::CLOCK,
            Verdict::Ok,
            "is believed: old data is deleted and messages expire again",
        ),
        Err(error) => Finding::new(checks::CLOCK, Verdict::Failed, format!("{error:#}")),
    }
}

/// Lists the quarantined events, for people only: programs use the API.
async fn quarantine(shell: &Shell, client: &Client) -> anyhow::Result<()> {
    let mut out = shell.output();
    if !out.is_for_people() {
        return Ok(());
    }
    let (rows, _) = match client.list::<QuarantineView>("/api/v1/quarantine", None).await {
        Ok(listed) => listed,
        Err(error) => {
            output::note(&format!("The quarantine cannot be listed: {error:#}"));
            return Ok(());
        }
    };
    if !rows.is_empty() {
        out.line("")?;
        out.list(&rows, QUARANTINE_COLUMNS)?;
    }
    Ok(())
}
