//! Handles what is written in the management room: commands. Everything else is talk among managers, which stays there.

use crate::bridge::core::Core;
use crate::bridge::core::refusal::Refusal;
use crate::bridge::rooms::commands::context::RoomContext;
use crate::bridge::rooms::commands::{
    Asked, Command, Done, Entry, Parsed, accounts, audit_of, internal, not_allowed, not_done, parse, told,
};
use crate::bridge::rooms::effects::{Taken, is_stale, late_command};
use crate::domain::agent::Agent;
use crate::domain::internal::InternalKind;
use crate::domain::matrix::{Membership, RoomEvent, RoomEventKind};
use crate::domain::outbox::MatrixWork;
use crate::store::{NewWork, StoreError, Tx};

use super::wants;

/// Handles an event of the management room. Ignores those that were handled before, and those of other people than agents,
/// except that the bot was removed or somebody has upgraded the room.
pub(crate) async fn take_in(
    tx: &mut Tx,
    core: &Core,
    event: &RoomEvent,
    around: &RoomContext,
) -> Result<Taken, StoreError> {
    match &event.what {
        RoomEventKind::Member {
            user,
            membership: Membership::Leave | Membership::Ban,
        } if around.bot.as_ref() == Some(user) => {
            wants::forget(tx, &event.room).await?;
            return Ok(Taken::Nothing);
        }
        RoomEventKind::Replaced => {
            wants::forget(tx, &event.room).await?;
            return Ok(Taken::Nothing);
        }
        _ => {}
    }
    let Some(agent) = tx.agents().of_user(&event.sender).await?.filter(Agent::is_active) else {
        return Ok(Taken::Nothing);
    };
    if tx.internal_events().get(&event.id).await?.is_some() {
        return Ok(Taken::Nothing);
    }
    match &event.what {
        RoomEventKind::Text { body, .. } => match parse(body) {
            Some(parsed) => run(tx, core, (event, &agent), around, parsed).await,
            None => Ok(Taken::Nothing),
        },
        RoomEventKind::Undecryptable => {
            let pending = tx.pending_events();
            if !pending.add(&event.room, &event.id, &event.sender, event.at).await? {
                return Ok(Taken::Nothing);
            }
            tx.pending_events().mark_told(&event.id).await?;
            let text = "Not done: I cannot decrypt this yet. If it is a command, write it again.";
            answer(tx, event, text.to_owned()).await
        }
        _ => Ok(Taken::Nothing),
    }
}

/// Carries a command out, and stores that its event was handled.
async fn run(
    tx: &mut Tx,
    core: &Core,
    (event, agent): (&RoomEvent, &Agent),
    around: &RoomContext,
    parsed: Parsed,
) -> Result<Taken, StoreError> {
    let asked = Asked {
        core,
        event,
        agent,
        home: None,
    };
    let text = match parsed {
        Parsed::Misuse(text) => text,
        Parsed::Command(entry, command) => allowed(tx, &asked, around, (entry, &command)).await?,
    };
    internal::store(tx, event, InternalKind::Command).await?;
    answer(tx, event, text).await
}

/// Returns the answer to a command: the right first, then the audit line, then what it does. What the desk refuses is undone.
async fn allowed(
    tx: &mut Tx,
    asked: &Asked<'_>,
    around: &RoomContext,
    (entry, command): (&Entry, &Command),
) -> Result<String, StoreError> {
    let Asked { event, agent, .. } = *asked;
    if let Some(operation) = entry.operation
        && !agent.may(operation)
    {
        return Ok(not_allowed(agent));
    }
    if !entry.is_anywhere() {
        return Ok(format!(
            "Not done: !{} is about a conversation; write it in the customer's room. !help lists what can be done here.",
            entry.word
        ));
    }
    if !entry.may_be_late && is_stale(tx, event) {
        return Ok(late_command(event));
    }
    if let Some(operation) = entry.operation {
        let subject = accounts::subject(tx, asked, command).await?;
        let how = format!("!{}", entry.word);
        audit_of(tx, (event, agent), subject, operation, &how).await?;
    }
    let before = tx.savepoint().await?;
    match act(tx, asked, around, command).await {
        Ok(text) => {
            tx.release(before).await?;
            Ok(text)
        }
        // If the database failed, the whole transaction does, and this answer with it.
        Err(refusal) => {
            tx.roll_back(before).await?;
            Ok(not_done(refusal))
        }
    }
}

async fn act(tx: &mut Tx, asked: &Asked<'_>, around: &RoomContext, command: &Command) -> Result<String, Refusal> {
    let done = match command {
        Command::Help => told::management_help(asked.agent),
        Command::Status => {
            let overview = around.overview.as_ref();
            Done::Told(overview.map_or_else(
                || "Not known now; write !status again.".to_owned(),
                |overview| overview.told(asked.agent),
            ))
        }
        Command::Login { account, number } => accounts::login(tx, asked, account.as_deref(), number.as_deref()).await?,
        Command::Logout(account) => accounts::logout(tx, asked, account.as_deref()).await?,
        Command::Sync(account) => accounts::sync(tx, asked, account.as_deref()).await?,
        _ => Done::Told("Not done: this is about a conversation; write it in the customer's room.".to_owned()),
    };
    Ok(match done {
        Done::Told(text) | Done::Made { told: Some(text), .. } => text,
        Done::Sent | Done::Made { told: None, .. } | Done::Noted => "Done.".to_owned(),
    })
}

/// Queues an answer to an event. Without any account there is no row that could carry it.
async fn answer(tx: &mut Tx, event: &RoomEvent, text: String) -> Result<Taken, StoreError> {
    let Some(account) = tx.accounts().present().await?.into_iter().next() else {
        return Ok(Taken::Nothing);
    };
    let work = MatrixWork::Reply {
        room: event.room.clone(),
        event: event.id.clone(),
        text,
    };
    tx.outbox().enqueue(NewWork::for_account(account.id, work)).await?;
    Ok(Taken::Answered)
}
