//! `crm status`: the state of accounts, Matrix, the database and the outbox.

use clap::Args;

use super::client::{Client, read};
use super::follow::{self, watch::Watch};
use super::terminal::output::Output;
use super::{Exit, Shell};
use crate::contract::{AccountStatusView, DatabaseView, MatrixView, RawJson, StatusView};
use crate::domain::customer::PhoneNumber;
use crate::domain::history::HistoryState;
use crate::domain::media::readable_size;

/// Show the state of accounts, Matrix, database and outbox
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    watch: Watch,
}

/// Types of events after which the state may be another. Matrix, database and connections make none.
const CHANGES: &[&str] = &[
    "account.added",
    "account.history",
    "account.removed",
    "account.state",
    "message.queued",
    "message.received",
    "message.state",
];

impl Status {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        let show = |output| show(output, &client);
        self.watch.run(shell, follow::events(CHANGES), show).await
    }
}

async fn show(mut output: Output, client: &Client) -> anyhow::Result<Output> {
    let answer: RawJson = client.get("/api/v1/status").await?;
    if !output.is_for_people() {
        output.one(&answer)?;
        return Ok(output);
    }
    let status: StatusView = read(&answer)?;
    for of in &status.accounts {
        for line in account(of) {
            output.line(&line)?;
        }
    }
    let MatrixView { state, detail, .. } = &status.matrix;
    output.line(&format!("matrix: {state}{}", because(detail.as_deref())))?;
    let DatabaseView {
        state,
        detail,
        head,
        clock_doubted_until,
        ..
    } = &status.database;
    output.line(&format!(
        "database: {state}, {head} events{}",
        because(detail.as_deref())
    ))?;
    if let Some(until) = clock_doubted_until {
        output.line(&format!(
                "clock: far ahead of when the server last ran; check it: until {until} nothing is deleted or expires (`crm doctor \
                 --confirm-clock` if it is right)"
            ))?;
    }
    if let Some(room) = status.media.as_ref().filter(|room| room.short) {
        output.line(&format!(
            "media: less than {} are free; none are fetched or taken until there is room",
            readable_size(room.floor_bytes)
        ))?;
    }
    if let Some(api) = &status.api {
        let (open, max) = (api.connections, api.max_connections);
        output.line(&format!(
            "api: {open} of {max} connections, {} WebSockets",
            api.websockets
        ))?;
    }
    if status.outbox.parked {
        output.line("outbox: parked after a restore; look through it, then `crm outbox resume`")?;
    }
    for work in &status.outbox.waiting {
        output.line(&format!("outbox to {}: {} waiting", work.target, work.waiting))?;
    }
    if status.quarantined > 0 {
        output.line(&format!(
            "quarantine: {} events; `crm doctor` lists them",
            status.quarantined
        ))?;
    }
    Ok(output)
}

fn account(AccountStatusView { account, history, .. }: &AccountStatusView) -> Vec<String> {
    let who = account.phone.as_ref().map_or("no number yet", PhoneNumber::as_str);
    let state = if account.removing_at.is_some() {
        "being removed"
    } else {
        account.state.as_str()
    };
    let mut lines = vec![format!(
        "account {} ({who}): {state}{}",
        account.name,
        because(account.detail.as_deref())
    )];
    if let Some(history) = history
        .as_ref()
        .filter(|history| history.state == HistoryState::Running)
    {
        lines.push(format!(
            "  history: {} of {} chats, {} messages",
            history.chats_done, history.chats_total, history.messages
        ));
    }
    lines
}

fn because(detail: Option<&str>) -> String {
    detail.map(|detail| format!(" ({detail})")).unwrap_or_default()
}
