//! `crm message`: messages, and a person's decisions about those in trouble.

use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde::Serialize;

use super::client::{self, Client};
use super::follow::watch::Watch;
use super::generate::complete;
use super::send::{self, Recipient, recipient};
use super::time::Whose;
use super::{Exit, Shell, listing};
use crate::api::secret;
use crate::contract::{
    AuthorView, EditRequest, Empty, FilterRequest, ForwardRequest, MessageView, Outcome, RawJson, ReactRequest,
    ResolveRequest, WaitingView,
};
use crate::domain::message::{Direction, MessageState};
use crate::domain::{ConversationId, MessageId, Timestamp};

/// Messages, and decisions about those in trouble
#[derive(Debug, Args)]
pub struct Message {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the messages of a conversation, the oldest first
    List {
        /// Id of the conversation, from `crm conversation list`
        #[arg(value_name = "CONVERSATION", add = complete::conversations())]
        conversation: i64,
        #[command(flatten)]
        amount: listing::Amount,
        /// The newest first
        #[arg(long)]
        newest: bool,
        #[command(flatten)]
        watch: Watch,
    },
    /// Show a message
    View {
        /// Id of the message, from `crm message list`
        #[arg(value_name = "ID")]
        id: i64,
    },
    /// Send a failed or unknown message again
    Retry {
        /// Id of the message, from `crm message list`
        #[arg(value_name = "ID")]
        id: i64,
    },
    /// Set the outcome of a message whose state is unknown
    Resolve {
        /// Id of the message, from `crm message list`
        #[arg(value_name = "ID")]
        id: i64,
        /// What became of it
        #[arg(value_enum)]
        state: Found,
    },
    /// Edit the text of a message, within 15 minutes, or the time of one for later
    Edit {
        /// Id of the message, from `crm message list`
        #[arg(value_name = "ID")]
        id: i64,
        /// The new text; - reads it from standard input
        #[arg(value_name = "TEXT", allow_hyphen_values = true, required_unless_present = "at")]
        text: Option<String>,
        /// Send it at this time: 18:00, "tomorrow 9:00", "in 2h", 2026-12-01T18:00:00+01:00
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
    /// Send the content of a message to somebody else
    Forward {
        /// Id of the message, from `crm message list`
        #[arg(value_name = "ID")]
        id: i64,
        #[command(flatten)]
        way: Way,
    },
    /// Send a scheduled or held message now
    Release {
        /// Id of the message, from `crm message list`
        #[arg(value_name = "ID")]
        id: i64,
    },
    /// Delete a message for everyone
    Delete {
        /// Id of the message, from `crm message list`
        #[arg(value_name = "ID")]
        id: i64,
    },
    /// React to a message with an emoji; without one, remove our reaction
    React {
        /// Id of the message, from `crm message list`
        #[arg(value_name = "ID")]
        id: i64,
        /// One emoji
        #[arg(value_name = "EMOJI", default_value = "", hide_default_value = true)]
        emoji: String,
    },
    /// Cancel a message that has not gone out yet
    Cancel {
        /// Id of the message, from `crm message list`
        #[arg(value_name = "ID")]
        id: i64,
    },
}

/// To whom a message is forwarded, and when.
#[derive(Debug, Args)]
struct Way {
    /// A phone number (+447700900123), a customer's name, customer:ID or conversation:ID
    #[arg(add = complete::recipients())]
    to: String,
    /// Send from this account
    #[arg(long, value_name = "NAME", add = complete::accounts())]
    account: Option<String>,
    /// Send it at this time: 18:00, "tomorrow 9:00", "in 2h", 2026-12-01T18:00:00+01:00
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Do not send it if others have written there after this message
    #[arg(long, value_name = "ID")]
    seen_up_to: Option<i64>,
    /// Send it although others have written
    #[arg(long, requires = "seen_up_to")]
    force: bool,
    /// Do not send again what was sent under this key
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Found {
    /// It did reach the customer
    Sent,
    /// It did not
    Failed,
}

impl From<Found> for Outcome {
    fn from(found: Found) -> Self {
        match found {
            Found::Sent => Self::Sent,
            Found::Failed => Self::Failed,
        }
    }
}

const COLUMNS: &[&str] = &["id", "timestamp", "direction", "author", "state", "content"];

impl Message {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        let message: RawJson = match self.verb {
            Verb::List {
                conversation,
                amount,
                newest,
                watch,
            } => {
                let order = if newest { "desc" } else { "asc" };
                let path = format!("/api/v1/conversations/{conversation}/messages?order={order}");
                let about = FilterRequest {
                    conversation_ids: Some(vec![ConversationId(conversation)]),
                    ..FilterRequest::default()
                };
                let show =
                    |output| listing::show_to_people::<MessageView, Row>(output, &client, &path, amount, COLUMNS);
                return watch.run(shell, about, show).await;
            }
            Verb::View { id } => client.get(&path(id)).await?,
            Verb::Forward { id, way } => way.forward(shell, &client, id).await?,
            Verb::Release { id } => client.post(&format!("{}/release", path(id)), &Empty {}).await?,
            Verb::Edit { id, text, at } => {
                let send_at = match at {
                    Some(at) => Some(shell.time(&client, &at, Whose::Message(id)).await?),
                    None => None,
                };
                let content = text.map(send::text).transpose()?;
                let body = EditRequest { content, send_at };
                client.change(Method::PATCH, &path(id), &body).await?
            }
            Verb::Delete { id } => client.change(Method::DELETE, &path(id), &Empty {}).await?,
            Verb::React { id, emoji } => {
                let path = format!("{}/reaction", path(id));
                client.change(Method::PUT, &path, &ReactRequest { emoji }).await?
            }
            Verb::Retry { id } => client.post(&format!("{}/retry", path(id)), &Empty {}).await?,
            Verb::Cancel { id } => client.post(&format!("{}/cancel", path(id)), &Empty {}).await?,
            Verb::Resolve { id, state } => {
                let body = ResolveRequest { state: state.into() };
                client.post(&format!("{}/resolve", path(id)), &body).await?
            }
        };
        shell.output().one(&message)?;
        Ok(Exit::Ok)
    }
}

impl Way {
    async fn forward(self, shell: &Shell, client: &Client, id: i64) -> anyhow::Result<RawJson> {
        let to = recipient(client, &self.to, shell.may_ask()).await?;
        let mut body = ForwardRequest {
            send_at: match &self.at {
                Some(at) => Some(shell.time(client, at, to.whose(self.account.as_deref())).await?),
                None => None,
            },
            account: self.account,
            seen_up_to: self.seen_up_to.map(MessageId),
            force: self.force,
            ..ForwardRequest::default()
        };
        match to {
            Recipient::Phone(phone) => body.to = Some(phone),
            Recipient::Customer(id) => body.customer_id = Some(id),
            Recipient::Conversation(id) => body.conversation_id = Some(id),
        }
        let key = match self.idempotency_key {
            Some(key) => key,
            None => secret::new_session_id()?,
        };
        let request = client.request(Method::POST, &format!("{}/forward", path(id)));
        let request = request.header("Idempotency-Key", &key).json(&body);
        let answered = async { client::json(client::send(request).await?).await };
        answered.await.map_err(|error| send::repeatable(error, &key))
    }
}

fn path(id: i64) -> String {
    format!("/api/v1/messages/{id}")
}

/// Row of the table. A waiting message shows the reason and the time in its state column.
#[derive(Debug, Serialize)]
struct Row {
    id: MessageId,
    timestamp: Timestamp,
    direction: Direction,
    author: Option<AuthorView>,
    state: String,
    content: String,
}

impl From<MessageView> for Row {
    fn from(message: MessageView) -> Self {
        let content = message.shown_content().into_owned();
        Self {
            id: message.id,
            timestamp: message.timestamp,
            direction: message.direction,
            author: message.author,
            state: state(message.state, message.waiting),
            content,
        }
    }
}

fn state(state: MessageState, waiting: Option<WaitingView>) -> String {
    match waiting {
        Some(WaitingView { until, .. }) if state == MessageState::Scheduled => format!("scheduled: {until}"),
        Some(WaitingView { reason, .. }) if state == MessageState::Held => format!("held: {reason}"),
        Some(WaitingView { reason, until }) => format!("queued: {reason} until {until}"),
        None => state.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pacing::WaitReason;

    #[test]
    fn waiting_message_says_reason_and_time() {
        let waiting = WaitingView {
            reason: WaitReason::QuietHours,
            until: Timestamp(1_790_060_400_000),
        };
        let told = state(MessageState::Queued, Some(waiting));
        assert_eq!(told, "queued: quiet_hours until 2026-09-22T07:00:00.000Z");
        assert_eq!(state(MessageState::Sent, None), "sent");
    }
}
