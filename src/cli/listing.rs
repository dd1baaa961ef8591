//! Lists: the number of rows, and a note when there are more.

use clap::Args;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::client::Client;
use super::terminal::output::Output;
use crate::contract::RawJson;

#[derive(Clone, Copy, Debug, Args)]
pub struct Amount {
    /// Show at most this many rows
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = rows)]
    limit: u64,
    /// Show all rows
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

impl Amount {
    fn limit(self) -> Option<u64> {
        (!self.all).then_some(self.limit)
    }
}

fn rows(text: &str) -> Result<u64, String> {
    let rows = text.parse().ok().filter(|rows| *rows > 0);
    rows.ok_or_else(|| "a whole number, 1 or more".to_owned())
}

/// Prints a list of the API, with its rows as the server sent them. Returns the output.
pub async fn show(
    mut output: Output,
    client: &Client,
    path: &str,
    amount: Amount,
    columns: &[&str],
) -> anyhow::Result<Output> {
    let (rows, more): (Vec<RawJson>, _) = client.list(path, amount.limit()).await?;
    output.list(&rows, columns)?;
    say_whether_more(&mut output, rows.len(), more);
    Ok(output)
}

/// Prints a list of the API whose rows are shown as a `Row` in tables; other formats get them as the server sent them.
/// Returns the output.
pub async fn show_to_people<T, Row>(
    mut output: Output,
    client: &Client,
    path: &str,
    amount: Amount,
    columns: &[&str],
) -> anyhow::Result<Output>
where
    T: DeserializeOwned,
    Row: From<T> + Serialize,
{
    if !output.is_for_people() {
        return show(output, client, path, amount, columns).await;
    }
    let (rows, more) = client.list::<T>(path, amount.limit()).await?;
    let rows: Vec<Row> = rows.into_iter().map(Row::from).collect();
    output.list(&rows, columns)?;
    say_whether_more(&mut output, rows.len(), more);
    Ok(output)
}

fn say_whether_more(output: &mut Output, shown: usize, more: bool) {
    if more {
        output.note(&format!("These are the first {shown}; --all shows the rest."));
    }
}
