//! Commands that change nothing: they tell who the customer is, what was said, and how things stand.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use crate::bridge::core::refusal::Refusal;
use crate::bridge::rooms::render;
use crate::contract::{mentions_without, name_without};
use crate::domain::agent::Agent;
use crate::domain::conversation::Conversation;
use crate::domain::matrix::MAX_ROOM_TEXT;
use crate::domain::message::{Message, MessageState};
use crate::domain::{ConversationId, Timestamp, when};
use crate::store::{PageRequest, StoreError, Tx};

use super::given::{Done, Given};
use super::{ENTRIES, Entry, people};

/// Messages on the card of a customer.
const ON_CARD: u64 = 3;
/// Longest message in a list, in characters.
const LINE_CHARS: usize = 500;
/// Most templates that are listed.
const MAX_TEMPLATES: u64 = 50;

/// Lists the commands that the agent's role allows.
pub(super) fn help(agent: &Agent) -> Done {
    let mut text =
        "What you write here goes to the customer. What begins with ! does not, nor do notes, notices of mine, and \
                    what answers them."
            .to_owned();
    list(&mut text, agent, |_| true);
    Done::Told(text)
}

/// Lists the commands that may be given in the management room and that the agent's role allows.
pub(crate) fn management_help(agent: &Agent) -> Done {
    let mut text = "Nothing that you write here goes to a customer.".to_owned();
    list(&mut text, agent, Entry::is_anywhere);
    Done::Told(text)
}

fn list(text: &mut String, agent: &Agent, is_listed: impl Fn(&Entry) -> bool) {
    let allowed = ENTRIES
        .iter()
        .filter(|entry| entry.operation.is_none_or(|operation| agent.may(operation)) && is_listed(entry));
    for entry in allowed {
        let _ = write!(text, "\n{}: {}", entry.usage(), entry.does);
    }
}

/// Shows who the customer is, and how the conversation stands.
pub(super) async fn customer(tx: &mut Tx, given: &Given<'_>) -> Result<Done, Refusal> {
    let (hides, zone) = (given.policy(tx).await?.hide_numbers, given.zone(tx).await?);
    Ok(Done::Told(described(tx, given.conversation, hides, &zone).await?))
}

/// Describes a conversation for the desk: who the customer is, how it stands, and the last messages.
pub(in crate::bridge::rooms) async fn described(
    tx: &mut Tx,
    conversation: &Conversation,
    hides: bool,
    zone: &TimeZone,
) -> Result<String, StoreError> {
    let mut text = match conversation.customer_id {
        Some(id) => {
            let customer = tx.customers().current(id).await?;
            let customer = customer.ok_or(StoreError::Missing { what: "customer" })?;
            let mut text = format!("{} · customer {}", people::label(&customer, hides), customer.id);
            if !customer.labels.is_empty() {
                let _ = write!(text, " · labels: {}", customer.labels.join(", "));
            }
            if let Some(since) = customer.opted_out_at {
                let _ = write!(text, " · opted out {}", moment(since, zone));
            }
            text
        }
        None => format!("Group {}", conversation.name),
    };
    let _ = write!(text, "\n{}", standing(conversation, zone));
    let lines = newest(tx, conversation.id, ON_CARD, (hides, zone)).await?;
    if !lines.is_empty() {
        let _ = write!(text, "\n{}", lines.join("\n"));
    }
    Ok(cut_bytes(text))
}

/// Shows the newest messages, the oldest of them first.
pub(super) async fn history(tx: &mut Tx, given: &Given<'_>, lines: u64) -> Result<Done, Refusal> {
    let (hides, zone) = (given.policy(tx).await?.hide_numbers, given.zone(tx).await?);
    let lines = newest(tx, given.conversation.id, lines, (hides, &zone)).await?;
    Ok(Done::Told(if lines.is_empty() {
        "There are no messages in this conversation.".to_owned()
    } else {
        cut_bytes(lines.join("\n"))
    }))
}

/// Tells how the conversation and its account stand.
pub(super) async fn status(tx: &mut Tx, given: &Given<'_>) -> Result<Done, Refusal> {
    let account = tx.accounts().get(given.conversation.account_id).await?;
    let account = account.ok_or(StoreError::Missing { what: "account" })?;
    let conversation = given.conversation;
    let mut text = standing(conversation, &given.zone(tx).await?);
    if conversation.unread_count > 0 {
        let _ = write!(text, " · {} unread", conversation.unread_count);
    }
    if conversation.scheduled_count > 0 {
        let _ = write!(text, " · {} for later", conversation.scheduled_count);
    }
    let _ = write!(text, "\nAccount {}: {}", account.name, account.state);
    if let Some(detail) = &account.detail {
        let _ = write!(text, " ({detail})");
    }
    Ok(Done::Told(text))
}

/// Lists the templates.
pub(super) async fn templates(tx: &mut Tx) -> Result<Done, Refusal> {
    let page = tx.templates().page(PageRequest::first(MAX_TEMPLATES)).await?;
    if page.data.is_empty() {
        let text = "There are no templates. A manager makes one with `crm template create`.";
        return Ok(Done::Told(text.to_owned()));
    }
    let mut text = "Templates, each with its fields:".to_owned();
    for template in &page.data {
        let _ = write!(text, "\n!template {}", quoted(&template.draft.name));
        for field in &template.draft.fields {
            let _ = write!(text, " {}=…", field.name);
        }
        if let Some(description) = &template.draft.description {
            let _ = write!(text, " ({})", cut(description, LINE_CHARS));
        }
    }
    if page.has_more {
        text.push_str("\nand more: crm template list");
    }
    Ok(Done::Told(cut_bytes(text)))
}

fn quoted(name: &str) -> String {
    if name.contains(char::is_whitespace) {
        format!("\"{name}\"")
    } else {
        name.to_owned()
    }
}

/// Returns how a conversation stands, as a line.
fn standing(conversation: &Conversation, zone: &TimeZone) -> String {
    let mut text = format!("Conversation {}: {}", conversation.id, conversation.status);
    if let Some(until) = conversation.snoozed_until {
        let _ = write!(text, " until {}", moment(until, zone));
    }
    match &conversation.assignee {
        Some(agent) => {
            let _ = write!(text, ", with {}", agent.name);
        }
        None => text.push_str(", with nobody"),
    }
    if !conversation.labels.is_empty() {
        let _ = write!(text, " · labels: {}", conversation.labels.join(", "));
    }
    text
}

/// Returns a time as people of a zone read it.
fn moment(at: Timestamp, zone: &TimeZone) -> String {
    when::told(at, zone).unwrap_or_else(|| at.to_string())
}

/// Returns the newest messages as lines, the oldest first.
async fn newest(
    tx: &mut Tx,
    conversation: ConversationId,
    count: u64,
    (hides, zone): (bool, &TimeZone),
) -> Result<Vec<String>, StoreError> {
    let page = tx.messages().page(conversation, PageRequest::last(count)).await?;
    let lines = page.data.iter().rev();
    Ok(lines
        .map(|message| line(message, &moment(message.timestamp, zone), hides))
        .collect())
}

/// Returns a message as a line: when, who, what, and what became of it if that is not what was wanted.
fn line(message: &Message, at: &str, hides: bool) -> String {
    let customer = message.customer_id.map(|id| id.0);
    let author = render::speaker(message, None).label().unwrap_or_default();
    let said = message.named(&message.content);
    let (author, said) = if hides {
        (name_without(&author, customer), mentions_without(&said))
    } else {
        (author, said)
    };
    let said = match message.deleted_at {
        Some(_) => "[deleted]".to_owned(),
        None if message.content.is_empty() => format!("[{}]", message.kind),
        None => cut(&said, LINE_CHARS),
    };
    let state = match message.state {
        state @ (MessageState::Failed | MessageState::Unknown | MessageState::Scheduled | MessageState::Held) => {
            format!(" [{state}]")
        }
        _ => String::new(),
    };
    format!("{at} {author}: {said}{state}")
}

/// Returns a text with at most so many characters, and that it is cut.
pub(super) fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Cuts a text to what one event takes.
pub(super) fn cut_bytes(text: String) -> String {
    const MORE: &str = "…\n[cut]";
    if text.len() <= MAX_ROOM_TEXT {
        return text;
    }
    let end = text.floor_char_boundary(MAX_ROOM_TEXT - MORE.len());
    format!("{}{MORE}", &text[..end])
}
