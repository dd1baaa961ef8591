//! `crm audit`: what was done with the keys that may manage and administer.

use clap::Args;
use jiff::Timestamp;

use super::client::with_query;
use super::listing::{self, Amount};
use super::time::moment;
use super::{Exit, Shell};

/// List what was done with keys of scope manage and admin, the newest first
#[derive(Debug, Args)]
pub struct Audit {
    #[command(flatten)]
    amount: Amount,
    /// Only what this key or agent did: a part of how the list names them
    #[arg(long, value_name = "TEXT")]
    actor: Option<String>,
    /// Only this action: a part of it, or an operation such as key.create
    #[arg(long, value_name = "TEXT")]
    action: Option<String>,
    /// Only from this time on; a date is its beginning here (2026-01-01)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<Timestamp>,
    /// Only before this time or date
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
}

const COLUMNS: &[&str] = &["id", "at", "actor", "action", "subject"];

impl Audit {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        let time = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string());
        let filters = [
            ("actor", self.actor),
            ("action", self.action),
            ("from", time(self.from)),
            ("until", time(self.until)),
        ];
        let given = filters
            .iter()
            .filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        let path = with_query("/api/v1/audit", given);
        listing::show(shell.output(), &client, &path, self.amount, COLUMNS).await?;
        Ok(Exit::Ok)
    }
}
