//! `crm send`: sends one message to one customer or group, and reports what became of it.

pub mod fields;
mod progress;
pub mod special;
pub mod upload;

use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use reqwest::Method;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::client::{self, Client};
use super::follow::{self, Follower, Patience};
use super::generate::complete;
use super::terminal::output::note;
use super::time::Whose;
use super::{Exit, Fault, Shell};
use crate::api::secret;
use crate::clock::SystemClock;
use crate::contract::{
    CustomerView, FilterRequest, MessageView, SendMedia, SendReport, SendRequest, SendTemplate, StatusView, WaitingView,
};
use crate::domain::customer::PhoneNumber;
use crate::domain::media::FileKind;
use crate::domain::message::MessageState;
use crate::domain::word::UnknownWord;
use crate::domain::{Clock as _, ConversationId, CustomerId, MessageId};
use fields::{assignment, filled};
pub use progress::Progress;
use special::Special;
use upload::upload;

/// Default of `--timeout`.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum time for the upload of a file, unless `--timeout` is set.
const LONGEST_UPLOAD: Duration = Duration::from_hours(1);
/// Longest wait for the reason of a delay, once the time of the command is over.
const LAST_LOOK: Duration = Duration::from_secs(2);
/// Types of events with a message's state.
const STATES: &[&str] = &["message.state", "message.scheduled", "message.held"];

/// Send a text, a file, a location, a contact or a poll
#[derive(Debug, Args)]
pub struct Send {
    /// A phone number (+447700900123), a customer's name, customer:ID or conversation:ID
    #[arg(add = complete::recipients())]
    to: String,
    /// The text; - reads it from standard input. With --file: its caption
    #[arg(required_unless_present_any = ["special", "file", "template"], allow_hyphen_values = true)]
    text: Option<String>,
    /// Send this file
    #[arg(long, value_name = "PATH", conflicts_with = "special")]
    file: Option<PathBuf>,
    /// Send the file as this kind [default: by its content]
    #[arg(long = "as", value_name = "KIND", requires = "file", value_parser = file_kind, add = complete::words(FileKind::ALL))]
    kind: Option<FileKind>,
    /// Send this template
    #[arg(long, value_name = "NAME", add = complete::templates(), conflicts_with_all = ["text", "file", "special"])]
    template: Option<String>,
    /// Fill a field of the template
    #[arg(
        long = "field",
        value_name = "NAME=VALUE",
        value_parser = assignment,
        requires = "template",
        conflicts_with_all = ["text", "file", "special"]
    )]
    fields: Vec<(String, String)>,
    #[command(flatten)]
    special: Special,
    /// Send from this account
    #[arg(long, value_name = "NAME", add = complete::accounts())]
    account: Option<String>,
    /// Reply to this message
    #[arg(long, value_name = "ID")]
    reply_to: Option<i64>,
    /// Send it at this time: 18:00, "tomorrow 9:00", "in 2h", 2026-12-01T18:00:00+01:00
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Do not send it if others have written after this message
    #[arg(long, value_name = "ID")]
    seen_up_to: Option<i64>,
    /// Send it although others have written
    #[arg(long, requires = "seen_up_to")]
    force: bool,
    /// Wait until the message is in this state
    #[arg(long, value_enum, default_value_t = Goal::Sent)]
    wait: Goal,
    /// Do not send again what was sent under this key
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Goal {
    /// Accepted by the server
    Queued,
    /// WhatsApp has it
    Sent,
    /// The customer's phone has it
    Delivered,
    /// The customer has read it
    Read,
}

impl Goal {
    fn is_reached(self, state: MessageState) -> bool {
        match self {
            Self::Queued => true,
            // It goes out by itself, at its time.
            _ if state == MessageState::Scheduled => true,
            Self::Sent => state.reached(MessageState::Sent),
            Self::Delivered => state.reached(MessageState::Delivered),
            Self::Read => state.reached(MessageState::Read),
        }
    }
}

impl Send {
    /// Runs the command, and keeps `progress` current.
    pub async fn run(self, shell: &Shell, progress: &Progress) -> anyhow::Result<Exit> {
        let begun = Instant::now();
        // Without `--timeout` each step has the usual time.
        let deadline = || match shell.options.timeout {
            Some(limit) => begun + limit,
            None => Instant::now() + DEFAULT_TIMEOUT,
        };
        let client = shell.client()?;
        let to = looked_up(deadline(), recipient(&client, &self.to, shell.may_ask())).await?;
        let send_at = match &self.at {
            Some(at) => {
                let time = shell.time(&client, at, to.whose(self.account.as_deref()));
                Some(looked_up(deadline(), time).await?)
            }
            None => None,
        };
        let mut body = SendRequest {
            content: self.text.map(text).transpose()?.unwrap_or_default(),
            account: self.account,
            reply_to: self.reply_to.map(MessageId),
            send_at,
            seen_up_to: self.seen_up_to.map(MessageId),
            force: self.force,
            ..SendRequest::default()
        };
        match to {
            Recipient::Phone(phone) => body.to = Some(phone),
            Recipient::Customer(id) => body.customer_id = Some(id),
            Recipient::Conversation(id) => body.conversation_id = Some(id),
        }
        self.special.write_to(&mut body)?;
        if let Some(name) = self.template {
            body.template = Some(SendTemplate {
                name,
                fields: filled(self.fields)?,
            });
        }
        let key = match self.idempotency_key {
            Some(key) => key,
            None => secret::new_session_id()?,
        };
        if let Some(path) = &self.file {
            // A large file may take long, so the default timeout does not apply to it.
            let limit = begun + shell.options.timeout.unwrap_or(LONGEST_UPLOAD);
            let media = timeout_at(limit, upload(&client, path, &key)).await.map_err(|_| {
                let text = format!(
                    "the server did not take the file in time, and nothing was sent; repeat it with a longer --timeout and \
                     --idempotency-key {key}"
                );
                Fault::new(Exit::TimedOut, text)
            })??;
            body.media = Some(SendMedia {
                id: media.id,
                kind: self.kind,
            });
        }
        let deadline = deadline();
        progress.handing_over(&key);
        let accepted = timeout_at(deadline, hand_over(&client, &body, &key))
            .await
            .map_err(|_| {
                let text = format!("the server did not take the text in time; {}", repeat_with(&key));
                Fault::new(Exit::TimedOut, text)
            })??;
        progress.accepted(&accepted);
        let message = wait(&client, accepted, self.wait, deadline, progress).await;
        shell.output().one(&SendReport::from(&message))?;
        outcome(&client, &message, self.wait).await
    }
}

/// Waits for what has to be known before anything is sent.
async fn looked_up<T>(deadline: Instant, look: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    timeout_at(deadline, look).await.map_err(|_| {
        let text = "the server did not answer in time, and nothing was sent; repeat it with a longer --timeout";
        Fault::new(Exit::TimedOut, text)
    })?
}

fn file_kind(word: &str) -> Result<FileKind, String> {
    word.parse().map_err(|error: UnknownWord| error.to_string())
}

/// Returns the text; `-` reads standard input and drops the final line end.
pub(super) fn text(argument: String) -> anyhow::Result<String> {
    if argument != "-" {
        return Ok(argument);
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("reading the text from standard input")?;
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

/// Recipient of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recipient {
    /// Phone number as it was typed.
    Phone(String),
    Customer(CustomerId),
    Conversation(ConversationId),
}

impl Recipient {
    /// Returns whose time a time for this recipient is: that of the account if one is typed, else that of the recipient's.
    pub(super) fn whose<'a>(&self, account: Option<&'a str>) -> Whose<'a> {
        match (account, self) {
            (Some(account), _) => Whose::Account(account),
            (None, Self::Conversation(id)) => Whose::Conversation(id.0),
            (None, Self::Customer(_) | Self::Phone(_)) => Whose::Anyone,
        }
    }
}

/// Finds the recipient that `to` names. A name that several customers have is an error unless `may_ask`.
pub(super) async fn recipient(client: &Client, to: &str, may_ask: bool) -> anyhow::Result<Recipient> {
    let id = |prefix: &str| to.strip_prefix(prefix).and_then(|id: &str| id.parse::<i64>().ok());
    if let Some(id) = id("customer:") {
        return Ok(Recipient::Customer(CustomerId(id)));
    }
    if let Some(id) = id("conversation:") {
        return Ok(Recipient::Conversation(ConversationId(id)));
    }
    let looks_like_a_number = to.chars().filter(char::is_ascii_digit).count() * 2 > to.chars().count();
    // The server reads numbers: it knows in which country they are written.
    if looks_like_a_number || to.parse::<PhoneNumber>().is_ok() {
        return Ok(Recipient::Phone(to.to_owned()));
    }
    if to.trim().is_empty() {
        let text = "the recipient is empty; give a phone number such as +447700900123, or a customer's name";
        return Err(Fault::new(Exit::Usage, text).into());
    }
    by_name(client, to, may_ask).await.map(Recipient::Customer)
}

async fn by_name(client: &Client, name: &str, may_ask: bool) -> anyhow::Result<CustomerId> {
    let path = client::with_query("/api/v1/customers", [("search", name)]);
    let (mut found, _) = client.list::<CustomerView>(&path, None).await?;
    let wanted = name.to_lowercase();
    found.retain(|customer| customer.name.to_lowercase() == wanted);
    match found.as_slice() {
        [] => Err(Fault::new(
            Exit::NotFound,
            format!("there is no customer called {name}; `crm customer list` shows them"),
        )
        .into()),
        [one] => Ok(one.id),
        several if may_ask => ask(several),
        several => {
            let ids: Vec<String> = several
                .iter()
                .map(|customer| format!("customer:{}", customer.id))
                .collect();
            let text = format!(
                "several customers are called {name}; name one of them: {}",
                ids.join(", ")
            );
            Err(Fault::new(Exit::Usage, text).into())
        }
    }
}

fn ask(several: &[CustomerView]) -> anyhow::Result<CustomerId> {
    for customer in several {
        let phone = customer.phone.as_ref().map_or("no number", PhoneNumber::as_str);
        note(&format!("{:>6}  {}  {phone}", customer.id, customer.name));
    }
    note("Which of them? Type the number at the beginning of the line:");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let chosen = line.trim().parse().ok().map(CustomerId);
    let is_one = |id: &CustomerId| several.iter().any(|customer| customer.id == *id);
    let none = || Fault::new(Exit::Usage, "that is not one of them; nothing was sent");
    Ok(chosen.filter(is_one).ok_or_else(none)?)
}

/// Posts the message, with retries while the server cannot be reached. The idempotency key makes the retries one
/// message.
async fn hand_over(client: &Client, body: &SendRequest, key: &str) -> anyhow::Result<MessageView> {
    let mut pauses = client::TRY_AGAIN.into_iter();
    loop {
        let request = client
            .request(Method::POST, "/api/v1/messages")
            .header("Idempotency-Key", key)
            .json(body);
        let error = match client::send(request).await {
            Ok(response) => match response.json().await {
                Ok(message) => return Ok(message),
                Err(error) => Fault::new(Exit::Unreachable, format!("the answer broke off: {error}")).into(),
            },
            Err(error) => error,
        };
        match pauses.next() {
            Some(pause) if super::exit::code(&error) == Exit::Unreachable => sleep(pause).await,
            _ => return Err(repeatable(error, key)),
        }
    }
}

/// Adds to an error after which the message may have been accepted how it is repeated: the key was made here, and nobody
/// else knows it.
pub(super) fn repeatable(error: anyhow::Error, key: &str) -> anyhow::Error {
    match super::exit::code(&error) {
        Exit::Unreachable => Fault::new(Exit::Unreachable, format!("{error:#}; {}", repeat_with(key))).into(),
        _ => error,
    }
}

fn repeat_with(key: &str) -> String {
    format!("repeat it with --idempotency-key {key}, so that it is not sent twice")
}

/// Follows the message until it reaches the goal, fails, or the deadline comes. A server that is away is connected to again
/// until then.
async fn wait(
    client: &Client,
    accepted: MessageView,
    goal: Goal,
    deadline: Instant,
    progress: &Progress,
) -> MessageView {
    let is_over = |message: &MessageView| {
        goal.is_reached(message.state)
            // What is held waits for a person.
            || matches!(message.state, MessageState::Failed | MessageState::Unknown | MessageState::Held)
            || waits_past(message, deadline)
    };
    let mut message = accepted;
    if is_over(&message) {
        return message;
    }
    let filter = FilterRequest {
        // Not the conversation: a merge moves its messages into another.
        account: Some(message.account_id.to_string()),
        ..follow::events(STATES)
    };
    let path = format!("/api/v1/messages/{}", message.id);
    let follower = Follower::new(client, filter, None, Patience::Always);
    let waiting = follower.until(&path, |state| {
        let now: MessageView = client::read(&state)?;
        if now.id == message.id {
            message = now;
            progress.accepted(&message);
        }
        Ok(is_over(&message))
    });
    // What is known of the message by then is reported either way.
    let _ = timeout_at(deadline, waiting).await;
    message
}

/// Returns whether the message is certain to wait beyond the deadline.
fn waits_past(message: &MessageView, deadline: Instant) -> bool {
    let left = deadline.saturating_duration_since(Instant::now());
    message
        .waiting
        .is_some_and(|waiting| waiting.until > SystemClock.now().plus(left))
}

async fn outcome(client: &Client, message: &MessageView, goal: Goal) -> anyhow::Result<Exit> {
    if goal.is_reached(message.state) {
        return Ok(Exit::Ok);
    }
    let id = message.id;
    let failure = message.failure.as_ref();
    let why = failure.map_or("no reason is known", |failure| failure.detail.as_str());
    let fault = match message.state {
        MessageState::Failed if failure.is_some_and(|failure| failure.code == "not_on_whatsapp") => {
            Fault::new(Exit::NotFound, format!("not sent: {why}"))
        }
        MessageState::Failed => Fault::new(Exit::Failed, format!("not sent: {why}")),
        MessageState::Unknown => Fault::new(
            Exit::OutcomeUnknown,
            format!(
                "it may or may not have been sent: {why}; look at the phone, then `crm message resolve {id} sent|failed`"
            ),
        ),
        _ => late(client, message).await,
    };
    Err(fault.into())
}

/// Returns the error for a message that is not as far as it was to be. If the account is not linked, that is the reason to
/// report.
async fn late(client: &Client, message: &MessageView) -> Fault {
    let (id, state) = (message.id, message.state);
    if state == MessageState::Held {
        let reason = message.waiting.map(|waiting| waiting.reason.explained());
        let because = reason.map(|reason| format!(", because {reason}")).unwrap_or_default();
        let text = format!(
            "message {id} is held{because}; `crm message release {id}` sends it, `crm message cancel {id}` drops it"
        );
        return Fault::new(Exit::TimedOut, text);
    }
    if state == MessageState::Queued && needs_login(client, message).await {
        let text = format!("message {id} waits, because its account is not linked; run `crm login` and it goes out");
        return Fault::new(Exit::LoginNeeded, text);
    }
    if let Some(WaitingView { reason, until }) = message.waiting {
        let text = format!(
            "message {id} waits until {until}: {}; it goes out by itself",
            reason.explained()
        );
        return Fault::new(Exit::TimedOut, text);
    }
    let text = format!(
        "message {id} is {state} so far; it goes on by itself, and `crm message view {id}` shows how far it is"
    );
    Fault::new(Exit::TimedOut, text)
}

/// Returns whether the account of a message is not linked; `false` also if the server does not tell at once.
async fn needs_login(client: &Client, message: &MessageView) -> bool {
    let status = timeout(LAST_LOOK, client.get::<StatusView>("/api/v1/status")).await;
    let accounts = status.ok().and_then(Result::ok).map(|status| status.accounts);
    let mut accounts = accounts.into_iter().flatten();
    accounts.any(|of| of.account.id == message.account_id && of.account.state.needs_login())
}

impl Shell {
    /// Returns whether a person can be asked: on a terminal, without `--no-input`.
    pub(super) fn may_ask(&self) -> bool {
        !self.options.no_input && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }
}
