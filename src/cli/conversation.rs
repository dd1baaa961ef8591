//! `crm conversation`: chats with customers.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::client::{Client, with_query};
use super::desk::label;
use super::follow::{self, watch::Watch};
use super::generate::complete;
use super::terminal::output::Output;
use super::time::Whose;
use super::{Exit, Shell, agent, listing};
use crate::contract::{AssignRequest, CountsView, Empty, FilterRequest, NoteRequest, RawJson, StatusRequest};
use crate::domain::ConversationId;
use crate::domain::conversation::ConversationStatus;
use crate::domain::word::UnknownWord;

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
        #[arg(long, value_name = "NAME", add = complete::accounts())]
        account: Option<String>,
        /// Only conversations with this status
        #[arg(long, value_name = "STATUS", value_parser = status, add = complete::words(ConversationStatus::ALL))]
        status: Option<ConversationStatus>,
        /// Only conversations that this agent has; `none`: that nobody has
        #[arg(long, value_name = "AGENT", add = complete::assignees())]
        assignee: Option<String>,
        /// Only conversations with this label
        #[arg(long, value_name = "NAME", add = complete::labels())]
        label: Option<String>,
        /// Only conversations whose customer has waited this long for an answer
        #[arg(long, value_name = "TIME", value_parser = crate::config::duration)]
        waiting: Option<Duration>,
        #[command(flatten)]
        watch: Watch,
    },
    /// Show a conversation
    View {
        /// Id of the conversation, from `crm conversation list`
        #[arg(value_name = "ID", add = complete::conversations())]
        id: i64,
    },
    /// Give a conversation to an agent, or to nobody
    Assign {
        /// Id of the conversation, from `crm conversation list`
        #[arg(value_name = "ID", add = complete::conversations())]
        id: i64,
        /// Name or id of the agent; none: nobody
        #[arg(value_name = "AGENT", add = complete::assignees())]
        agent: String,
    },
    /// Set how a conversation stands
    Status {
        /// Id of the conversation, from `crm conversation list`
        #[arg(value_name = "ID", add = complete::conversations())]
        id: i64,
        /// open, pending, snoozed or closed
        #[arg(value_name = "STATUS", value_parser = status, add = complete::words(ConversationStatus::ALL))]
        status: ConversationStatus,
        /// End of a snooze: 18:00, "tomorrow 9:00", "in 2h" [default: when the customer writes]
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
    },
    /// Put labels on a conversation and take others off
    Label {
        /// Id of the conversation, from `crm conversation list`
        #[arg(value_name = "ID", add = complete::conversations())]
        id: i64,
        /// +vip puts a label on, -new takes one off
        #[arg(value_name = "+LABEL|-LABEL", required = true, allow_hyphen_values = true, add = complete::label_changes())]
        labels: Vec<String>,
    },
    /// Write a note for colleagues; the customer never sees it
    Note {
        /// Id of the conversation, from `crm conversation list`
        #[arg(value_name = "ID", add = complete::conversations())]
        id: i64,
        /// The text; - reads it from standard input
        #[arg(value_name = "TEXT", allow_hyphen_values = true)]
        text: String,
    },
    /// List the notes of a conversation
    Notes {
        /// Id of the conversation, from `crm conversation list`
        #[arg(value_name = "ID", add = complete::conversations())]
        id: i64,
        #[command(flatten)]
        amount: listing::Amount,
        #[command(flatten)]
        watch: Watch,
    },
    /// Count the conversations that are not closed, by account, status and agent
    Counts {
        #[command(flatten)]
        watch: Watch,
    },
    /// Mark a conversation as read
    Read {
        /// Id of the conversation, from `crm conversation list`
        #[arg(value_name = "ID", add = complete::conversations())]
        id: i64,
    },
}

const COLUMNS: &[&str] = &[
    "id",
    "name",
    "status",
    "assignee",
    "labels",
    "unread_count",
    "last_message_at",
];
const NOTE_COLUMNS: &[&str] = &["id", "created_at", "author", "content"];
const COUNT_COLUMNS: &[&str] = &["account_id", "status", "assignee_id", "conversations", "unread"];

/// Types of events after which a list of conversations may be another.
const CHANGES: &[&str] = &[
    "conversation.assigned",
    "conversation.read",
    "conversation.updated",
    "customer.created",
    "customer.merged",
    "customer.unmerged",
    "customer.updated",
    "agent.updated",
    "label.deleted",
    "message.deleted",
    "message.held",
    "message.queued",
    "message.received",
    "message.scheduled",
    "message.state",
];

impl Conversation {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        match self.verb {
            Verb::List {
                amount,
                unread,
                account,
                status,
                assignee,
                label,
                waiting,
                watch,
            } => {
                let assignee = match assignee.as_deref() {
                    Some("none") => Some("none".to_owned()),
                    Some(name) => Some(agent::id(&client, name).await?.to_string()),
                    None => None,
                };
                let waiting = waiting.map(|waiting| waiting.as_secs().to_string());
                let filters = [
                    ("unread", unread.then_some("true")),
                    ("account", account.as_deref()),
                    ("status", status.map(ConversationStatus::as_str)),
                    ("assignee", assignee.as_deref()),
                    ("label", label.as_deref()),
                    ("waiting_seconds", waiting.as_deref()),
                ];
                let given = filters.into_iter().filter_map(|(name, value)| Some((name, value?)));
                let path = with_query("/api/v1/conversations", given);
                let about = FilterRequest {
                    account,
                    ..follow::events(CHANGES)
                };
                let show = |output| listing::show(output, &client, &path, amount, COLUMNS);
                return watch.run(shell, about, show).await;
            }
            Verb::Assign { id, agent: name } => {
                let agent_id = match name.as_str() {
                    "none" => None,
                    name => Some(agent::id(&client, name).await?),
                };
                let body = AssignRequest { agent_id };
                let conversation: RawJson = client.post(&format!("{}/assign", path(id)), &body).await?;
                shell.output().one(&conversation)?;
            }
            Verb::Status { id, status, until } => {
                let until = match until {
                    Some(until) => Some(shell.time(&client, &until, Whose::Conversation(id)).await?),
                    None => None,
                };
                let body = StatusRequest { status, until };
                let conversation: RawJson = client.post(&format!("{}/status", path(id)), &body).await?;
                shell.output().one(&conversation)?;
            }
            Verb::Label { id, labels } => label::apply(shell, &client, &path(id), &labels).await?,
            Verb::Note { id, text } => {
                let content = super::send::text(text)?;
                let body = NoteRequest { content };
                let note: RawJson = client.post(&format!("{}/notes", path(id)), &body).await?;
                shell.output().one(&note)?;
            }
            Verb::Notes { id, amount, watch } => {
                let about = FilterRequest {
                    conversation_ids: Some(vec![ConversationId(id)]),
                    ..follow::events(&["note.created", "note.deleted"])
                };
                let path = format!("{}/notes", path(id));
                let show = |output| listing::show(output, &client, &path, amount, NOTE_COLUMNS);
                return watch.run(shell, about, show).await;
            }
            Verb::Counts { watch } => {
                let show = |output| counts(output, &client);
                return watch.run(shell, follow::events(CHANGES), show).await;
            }
            Verb::View { id } => {
                let conversation: RawJson = client.get(&path(id)).await?;
                shell.output().one(&conversation)?;
            }
            Verb::Read { id } => {
                let conversation: RawJson = client.post(&format!("{}/read", path(id)), &Empty {}).await?;
                shell.output().one(&conversation)?;
            }
        }
        Ok(Exit::Ok)
    }
}

async fn counts(mut output: Output, client: &Client) -> anyhow::Result<Output> {
    let counts: CountsView = client.get("/api/v1/conversations/counts").await?;
    output.list(&counts.data, COUNT_COLUMNS)?;
    Ok(output)
}

fn path(id: i64) -> String {
    format!("/api/v1/conversations/{id}")
}

fn status(word: &str) -> Result<ConversationStatus, String> {
    word.parse().map_err(|error: UnknownWord| error.to_string())
}
