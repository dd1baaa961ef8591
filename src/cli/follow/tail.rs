//! `crm tail`: prints the journal's events, one a line, without end.

use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::time::Instant;

use super::{Follower, News, Patience, reached};
use crate::cli::generate::complete;
use crate::cli::terminal::output::{Output, note, plain};
use crate::cli::{Exit, Fault, Format, Shell};
use crate::contract::{EventFrame, EventType, FilterRequest, JournalEvent, MentionView};
use crate::domain::ConversationId;
use crate::domain::mentions;

/// Follow events as they happen
#[derive(Debug, Args)]
pub struct Tail {
    /// Start with the events after this number; 0 is from the beginning
    #[arg(long, value_name = "SEQ")]
    since: Option<i64>,
    /// End after this long without an event
    #[arg(long, value_name = "TIME", value_parser = crate::config::duration)]
    idle: Option<Duration>,
    /// Only events of this type; may be given several times
    #[arg(long = "type", value_name = "TYPE", add = complete::words(EventType::ALL))]
    types: Vec<String>,
    /// Only events of this conversation; may be given several times
    #[arg(long = "conversation", value_name = "ID", add = complete::conversations())]
    conversations: Vec<i64>,
    /// Only events of this account
    #[arg(long, value_name = "NAME", add = complete::accounts())]
    account: Option<String>,
}

impl Tail {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        let mut output = shell.output();
        let format = shell.options.output.unwrap_or_default();
        if format == Format::Csv {
            let text = "events have no columns of their own; take one line of JSON each with -o ndjson";
            return Err(Fault::new(Exit::Usage, text).into());
        }
        for id in &self.conversations {
            // Else a mistyped number waits for ever without a word.
            let _: IgnoredAny = client.get(&format!("/api/v1/conversations/{id}")).await?;
        }
        let quiet = shell.options.quiet;
        let mut follower = Follower::new(&client, self.filter(), self.since, Patience::Connected);
        // `--idle` is measured only while connected, and after the replay.
        let mut quiet_since = None;
        loop {
            let quiet_ends = self
                .idle
                .zip(quiet_since)
                .map(|(idle, since): (_, Instant)| since + idle);
            let news = tokio::select! {
                news = follower.next() => news?,
                () = reached(quiet_ends) => return Ok(Exit::Ok),
            };
            match news {
                News::Event(event) => {
                    quiet_since = quiet_since.map(|_| Instant::now());
                    if quiet {
                        output.raw(&event.s.to_string())?;
                    } else {
                        print(event, format, &mut output)?;
                    }
                }
                News::Connected => quiet_since = Some(Instant::now()),
                News::Lost => quiet_since = None,
                News::Pruned(oldest) => {
                    quiet_since = None;
                    note(&format!(
                        "Events before {oldest} are no longer kept; what came since then follows."
                    ));
                }
            }
        }
    }

    /// Returns the filter. Types are sent unchecked, because only the server knows which ones it has.
    fn filter(&self) -> FilterRequest<String> {
        let conversations = self.conversations.iter().copied().map(ConversationId);
        FilterRequest {
            types: (!self.types.is_empty()).then(|| self.types.clone()),
            conversation_ids: (!self.conversations.is_empty()).then(|| conversations.collect()),
            account: self.account.clone(),
        }
    }
}

/// Fields of an event's data that a line for people shows. All are optional, because events of every version have to
/// parse.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Shown {
    author: Option<Named>,
    name: Option<String>,
    content: Option<String>,
    details: Option<ShownDetails>,
    state: Option<String>,
}

/// People who are mentioned in the content.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ShownDetails {
    mentions: Vec<MentionView>,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

fn print(frame: EventFrame<String>, format: Format, output: &mut Output) -> anyhow::Result<()> {
    if format != Format::Table {
        return output.event(&JournalEvent::from(frame));
    }
    let shown: Shown = frame.d.parse().unwrap_or_default();
    let who = shown
        .author
        .map(|author| author.name)
        .or(shown.name)
        .unwrap_or_default();
    let mentioned = shown.details.unwrap_or_default().mentions;
    let people = mentioned
        .iter()
        .map(|mention| (mention.user.as_str(), mention.name.as_deref()));
    let content = shown.content.unwrap_or_default();
    let what = mentions::with_names(&content, &people).replace('\n', " ");
    let line = format!(
        "{:>6}  {}  {:<20}  {:<10}  {who}{}{what}",
        frame.s.to_string(),
        frame.at,
        frame.t,
        shown.state.unwrap_or_default(),
        if who.is_empty() || what.is_empty() { "" } else { ": " },
    );
    output.raw(plain(&line).trim_end())
}
