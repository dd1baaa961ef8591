//! `crm conversation`: chats with customers.

use clap::{Args, Subcommand};

use super::client::with_query;
use super::{Exit, Shell, listing};
use crate::contract::{Empty, RawJson};

/// Chats with customers
#[derive(Debug, Args)]
pub struct Conversation {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List conversations, the latest first
    List {
        #[command(flatten)]
        amount: listing::Amount,
        /// Only conversations with unread messages
        #[arg(long)]
        unread: bool,
        /// Only conversations of this account
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
    },
    /// Show a conversation
    View {
        #[arg(value_name = "ID")]
        id: i64,
    },
    /// Mark a conversation as read
    Read {
        #[arg(value_name = "ID")]
        id: i64,
    },
}

const COLUMNS: &[&str] = &["id", "name", "kind", "status", "unread_count", "last_message_at"];

impl Conversation {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        match self.verb {
            Verb::List {
                amount,
                unread,
                account,
            } => {
                let unread = unread.then_some(("unread", "true"));
                let account = account.as_deref().map(|account| ("account", account));
                let path = with_query("/api/v1/conversations", unread.into_iter().chain(account));
                listing::show(shell, &client, &path, amount, COLUMNS).await?;
            }
            Verb::View { id } => {
                let conversation: RawJson = client.get(&format!("/api/v1/conversations/{id}")).await?;
                shell.output().one(&conversation)?;
            }
            Verb::Read { id } => {
                let path = format!("/api/v1/conversations/{id}/read");
                let conversation: RawJson = client.post(&path, &Empty {}).await?;
                shell.output().one(&conversation)?;
            }
        }
        Ok(Exit::Ok)
    }
}
