//! `crm customer`: the people who write to us.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::client::{Client, with_query};
use super::{Exit, Shell, listing};

/// The people who write to us
#[derive(Debug, Args)]
pub struct Customer {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List customers
    List {
        #[command(flatten)]
        amount: listing::Amount,
        /// Only those with this in their name or number
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
    },
    /// Show a customer
    View {
        #[arg(value_name = "ID")]
        id: i64,
    },
    /// Write to a customer no more
    OptOut {
        #[arg(value_name = "ID")]
        id: i64,
    },
    /// Write to a customer again who had opted out
    OptIn {
        #[arg(value_name = "ID")]
        id: i64,
    },
}

const COLUMNS: &[&str] = &["id", "name", "phone", "status", "unread_count", "updated_at"];

impl Customer {
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        match self.verb {
            Verb::List { amount, search } => {
                let search = search.as_deref().map(|search| ("search", search));
                let path = with_query("/api/v1/customers", search);
                listing::show(shell, &client, &path, amount, COLUMNS).await?;
            }
            Verb::View { id } => {
                let customer: Value = client.get(&format!("/api/v1/customers/{id}")).await?;
                shell.output().one(&customer)?;
            }
            Verb::OptOut { id } => consent(shell, &client, id, "opt-out").await?,
            Verb::OptIn { id } => consent(shell, &client, id, "opt-in").await?,
        }
        Ok(Exit::Ok)
    }
}

async fn consent(shell: &Shell, client: &Client, id: i64, verb: &str) -> anyhow::Result<()> {
    let customer: Value = client
        .post(&format!("/api/v1/customers/{id}/{verb}"), &serde_json::json!({}))
        .await?;
    shell.output().one(&customer)
}
