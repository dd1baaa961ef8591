//! `crm audit`: what was done with the keys that may manage and administer.

use clap::Args;

use super::client::with_query;
use super::listing::{self, Amount};
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
    /// Only from this time on
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

const COLUMNS: &[&str] = &["id", "at", "actor", "action", "subject"];

impl Audit {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        let filters = [
            ("actor", &self.actor),
            ("action", &self.action),
            ("from", &self.from),
            ("until", &self.until),
        ];
        let given = filters
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let path = with_query("/api/v1/audit", given);
        listing::show(shell.output(), &client, &path, self.amount, COLUMNS).await?;
        Ok(Exit::Ok)
    }
}
