//! Lists: how many rows, and a word when there are more.

use clap::Args;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Shell;
use super::client::Client;
use super::terminal::output::note;
use crate::contract::RawJson;

#[derive(Clone, Copy, Debug, Args)]
pub struct Amount {
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// All of them
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

impl Amount {
    fn limit(self) -> Option<u64> {
        (!self.all).then_some(self.limit)
    }
}

/// Prints a list of the API as it comes.
pub async fn show(shell: &Shell, client: &Client, path: &str, amount: Amount, columns: &[&str]) -> anyhow::Result<()> {
    let (rows, more): (Vec<RawJson>, _) = client.list(path, amount.limit()).await?;
    shell.output().list(&rows, columns)?;
    say_whether_more(rows.len(), more);
    Ok(())
}

/// The same, with rows that people see as a `Row`; programs get them as they come.
pub async fn show_to_people<T, Row>(
    shell: &Shell,
    client: &Client,
    path: &str,
    amount: Amount,
    columns: &[&str],
) -> anyhow::Result<()>
where
    T: DeserializeOwned,
    Row: From<T> + Serialize,
{
    let mut output = shell.output();
    if !output.is_for_people() {
        return show(shell, client, path, amount, columns).await;
    }
    let (rows, more) = client.list::<T>(path, amount.limit()).await?;
    let rows: Vec<Row> = rows.into_iter().map(Row::from).collect();
    output.list(&rows, columns)?;
    say_whether_more(rows.len(), more);
    Ok(())
}

fn say_whether_more(shown: usize, more: bool) {
    if more {
        note(&format!("These are the first {shown}; --all shows the rest."));
    }
}
