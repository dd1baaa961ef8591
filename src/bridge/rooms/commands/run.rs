//! Carries a command out: the right first, then the audit line, then the desk's own function. What the desk refuses is undone
//! and answered.

use crate::bridge::core::refusal::Refusal;
use crate::bridge::rooms::effects::{Taken, answer_to, is_stale, late_command};
use crate::domain::conversation::ConversationStatus;
use crate::domain::internal::InternalKind;
use crate::domain::matrix::RoomEventKind;
use crate::store::{StoreError, Tx};

use super::given::{Done, Given};
use super::rights::{audit, not_allowed};
use super::{Command, Entry, Parsed, accounts, internal, notes, people, sends, told, work};

/// Carries a command out, and stores that its event was handled and stays inside.
pub(crate) async fn run(tx: &mut Tx, given: &Given<'_>, parsed: Parsed) -> Result<Taken, StoreError> {
    let done = match parsed {
        Parsed::Misuse(text) => Done::Told(text),
        Parsed::Command(entry, command) => allowed(tx, given, entry, &command).await?,
    };
    let made = match &done {
        Done::Made { message, .. } => Some(*message),
        _ => None,
    };
    // One that wrote a note is stored as that already.
    internal::store_with(tx, given.event, InternalKind::Command, made).await?;
    match done {
        Done::Told(text) | Done::Made { told: Some(text), .. } => {
            answer_to(tx, given.conversation, given.place(), text).await
        }
        Done::Sent | Done::Made { told: None, .. } => Ok(Taken::Queued),
        Done::Noted => Ok(Taken::Done),
    }
}

async fn allowed(tx: &mut Tx, given: &Given<'_>, entry: &Entry, command: &Command) -> Result<Done, StoreError> {
    if let Some(operation) = entry.operation
        && !given.agent.may(operation)
    {
        return Ok(Done::Told(not_allowed(given.agent)));
    }
    if !entry.may_be_late && is_stale(tx, given.event) {
        return Ok(Done::Told(late_command(given.event)));
    }
    if let Some(operation) = entry.operation {
        let how = match &given.event.what {
            RoomEventKind::Reaction { .. } => format!("{} by reaction", entry.word),
            _ => format!("!{}", entry.word),
        };
        audit(tx, (given.event, given.agent), given.conversation.id, operation, &how).await?;
    }
    let before = tx.savepoint().await?;
    match Box::pin(act(tx, given, command)).await {
        Ok(done) => {
            tx.release(before).await?;
            Ok(done)
        }
        // If the database failed, the whole transaction does, and this answer with it.
        Err(refusal) => {
            tx.roll_back(before).await?;
            Ok(Done::Told(not_done(refusal)))
        }
    }
}

async fn act(tx: &mut Tx, given: &Given<'_>, command: &Command) -> Result<Done, Refusal> {
    match command {
        Command::Help => Ok(told::help(given.agent)),
        Command::Customer => told::customer(tx, given).await,
        Command::History(lines) => told::history(tx, given, *lines).await,
        Command::Status => told::status(tx, given).await,
        Command::Assign(whom) => work::assign(tx, given, whom).await,
        Command::Close => work::stand(tx, given, ConversationStatus::Closed).await,
        Command::Reopen => work::stand(tx, given, ConversationStatus::Open).await,
        Command::Pending => work::stand(tx, given, ConversationStatus::Pending).await,
        Command::Snooze(until) => work::snooze(tx, given, until.as_deref()).await,
        Command::Note(text) => {
            notes::write(tx, given, text).await?;
            Ok(Done::Noted)
        }
        Command::Labels => work::labels(tx, given).await,
        Command::Label(changes) => work::label(tx, given, changes).await,
        Command::Name(name) => people::name(tx, given, name).await,
        Command::Merge(other) => people::merge(tx, given, other).await,
        Command::Templates => told::templates(tx).await,
        Command::Template { name, fields } => sends::template(tx, given, name, fields).await,
        Command::SendAt { when, text } => sends::send_at(tx, given, when, text).await,
        Command::Release(id) => sends::release(tx, given, *id).await,
        Command::Cancel(id) => sends::cancel(tx, given, *id).await,
        Command::New { number, text } => sends::new(tx, given, number, text).await,
        Command::Send => sends::confirm(tx, given).await,
        Command::Retry => sends::retry(tx, given).await,
        Command::Login { account, number } => {
            accounts::login(tx, &given.asked(), account.as_deref(), number.as_deref()).await
        }
        Command::Logout(account) => accounts::logout(tx, &given.asked(), account.as_deref()).await,
        Command::Sync(account) => accounts::sync(tx, &given.asked(), account.as_deref()).await,
    }
}

/// Returns the answer to a command that the desk refuses.
pub(crate) fn not_done(refusal: Refusal) -> String {
    match refusal {
        Refusal::Internal(error) => {
            tracing::error!("a command in a room failed: {error:#}");
            "Not done: something is wrong in the server; its log says what.".to_owned()
        }
        Refusal::Database(error) => {
            tracing::error!("a command in a room failed: {error}");
            format!("Not done: {}.", Refusal::Database(error))
        }
        refusal => format!("Not done: {refusal}."),
    }
}
