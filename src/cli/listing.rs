//! Lists: how many rows, and a word when there are more.

use clap::Args;
use serde_json::Value;

use super::Shell;
use super::client::Client;
use super::output::note;

#[derive(Clone, Copy, Debug, Args)]
pub struct Amount {
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// All of them
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

/// Prints a list of the API.
pub async fn show(shell: &Shell, client: &Client, path: &str, amount: Amount, columns: &[&str]) -> anyhow::Result<()> {
    show_to_people(shell, client, path, amount, columns, |_| {}).await
}

/// The same, with rows that `explain` has made readable for people.
pub async fn show_to_people(
    shell: &Shell,
    client: &Client,
    path: &str,
    amount: Amount,
    columns: &[&str],
    explain: fn(&mut Value),
) -> anyhow::Result<()> {
    let limit = (!amount.all).then_some(amount.limit);
    let (mut rows, more) = client.list(path, limit).await?;
    let mut output = shell.output();
    if output.is_for_people() {
        rows.iter_mut().for_each(explain);
    }
    output.list(&rows, columns)?;
    if more {
        note(&format!("These are the first {}; --all shows the rest.", rows.len()));
    }
    Ok(())
}
