//! Assigns conversations, and sets their status.

use futures_util::FutureExt;

use crate::bridge::core::refusal::{Refusal, not_found};
use crate::bridge::core::{Core, accounts, notice};
use crate::contract::Event;
use crate::domain::conversation::{Assignee, Conversation, ConversationStatus};
use crate::domain::{AgentId, ConversationId};
use crate::store::{Standing, StoreError, Tx};

use super::handle::Desk;
use super::later::later_than_now;

/// Assignment of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The agent who gets it; `None`: nobody has it any more.
    pub to: Option<AgentId>,
    /// Agent who had it when the caller looked: refused if that is another now.
    pub from: Option<AgentId>,
    /// Revision that the caller has seen: refused if the conversation differs from it. `None`: not checked.
    pub expected: Option<String>,
}

impl Desk {
    /// Gives a conversation to an agent. If somebody else has changed its agent since the caller looked, it stays as it is
    /// and the caller is told. Repeating an assignment changes nothing.
    pub async fn assign(&self, id: ConversationId, assignment: Assignment) -> Result<Conversation, Refusal> {
        self.core
            .write_with((id, assignment), |tx, core, (id, assignment)| {
                async move { assign(tx, core, *id, assignment).await }.boxed()
            })
            .await
    }

    /// Sets how a conversation stands. Repeating that changes nothing. Refused if the conversation differs from the revision
    /// `expected`, where that is given.
    pub async fn set_standing(
        &self,
        id: ConversationId,
        standing: Standing,
        expected: Option<String>,
    ) -> Result<Conversation, Refusal> {
        let input = (id, standing, expected);
        self.core
            .write_with(input, |tx, core, (id, standing, expected)| {
                async move { stand(tx, core, *id, *standing, expected.as_deref()).await }.boxed()
            })
            .await
    }
}

/// Gives a conversation to an agent in the caller's transaction, as [`Desk::assign`] does.
pub(crate) async fn assign(
    tx: &mut Tx,
    core: &Core,
    id: ConversationId,
    assignment: &Assignment,
) -> Result<Conversation, Refusal> {
    let conversation = as_expected(live(tx, id).await?, assignment.expected.as_deref())?;
    let present = conversation.assignee.as_ref().map(|agent| agent.id);
    if present == assignment.to {
        return Ok(conversation);
    }
    if present != assignment.from {
        let who = match &conversation.assignee {
            Some(agent) => format!("agent {} ({}) has it now", agent.id, agent.name),
            None => "nobody has it now".to_owned(),
        };
        return Err(Refusal::Conflict(format!(
            "somebody else has just assigned conversation {id}: {who}; assign it again if that is wrong"
        )));
    }
    let agent = match assignment.to {
        Some(agent) => Some(active(tx, agent).await?),
        None => None,
    };
    Ok(give(tx, core, conversation.id, agent.as_ref()).await?)
}

/// Gives a conversation to an agent or to nobody, and tells of it.
pub(super) async fn give(
    tx: &mut Tx,
    core: &Core,
    id: ConversationId,
    to: Option<&Assignee>,
) -> Result<Conversation, StoreError> {
    let changed = tx.conversations().assign(id, to).await?;
    tx.emit(Event::conversation_assigned(&changed));
    show(tx, core, &changed).await?;
    Ok(changed)
}

/// Returns an agent to whom conversations can be given.
async fn active(tx: &mut Tx, id: AgentId) -> Result<Assignee, Refusal> {
    let agents = tx.agents().list().await?;
    let agent = agents.into_iter().find(|agent| agent.id == id);
    let agent = agent.ok_or_else(|| not_found("agent", id))?;
    if !agent.is_active() {
        return Err(Refusal::Conflict(format!(
            "agent {id} ({}) is not active; choose another, or activate them with `crm agent activate {id}`",
            agent.name
        )));
    }
    Ok(Assignee { id, name: agent.name })
}

/// Sets how a conversation stands in the caller's transaction, as [`Desk::set_standing`] does.
pub(crate) async fn stand(
    tx: &mut Tx,
    core: &Core,
    id: ConversationId,
    standing: Standing,
    expected: Option<&str>,
) -> Result<Conversation, Refusal> {
    if let Some(until) = standing.until {
        if standing.status != ConversationStatus::Snoozed {
            let why = "only a snoozed conversation has an `until`; leave it out".to_owned();
            return Err(Refusal::WrongTime { pointer: UNTIL, why });
        }
        later_than_now(tx, until, UNTIL)?;
    }
    let conversation = as_expected(live(tx, id).await?, expected)?;
    if conversation.status == standing.status && conversation.snoozed_until == standing.until {
        return Ok(conversation);
    }
    Ok(put(tx, core, conversation.id, standing).await?)
}

/// Sets how a conversation stands, and tells of it.
pub(super) async fn put(
    tx: &mut Tx,
    core: &Core,
    id: ConversationId,
    standing: Standing,
) -> Result<Conversation, StoreError> {
    let changed = tx.conversations().set_standing(id, standing).await?;
    tx.emit(Event::conversation_updated(&changed));
    show(tx, core, &changed).await?;
    Ok(changed)
}

/// Fails if a conversation differs from the revision that the caller has seen.
fn as_expected(conversation: Conversation, expected: Option<&str>) -> Result<Conversation, Refusal> {
    if expected.is_some_and(|expected| expected != conversation.revision()) {
        return Err(Refusal::Changed(format!(
            "conversation {} has changed since you looked at it; load it again, then repeat your change",
            conversation.id
        )));
    }
    Ok(conversation)
}

/// Fails if a conversation, or the one in which it goes on, differs from the revision that the caller has seen.
pub(super) async fn check_seen(tx: &mut Tx, id: ConversationId, expected: Option<&str>) -> Result<(), Refusal> {
    if expected.is_some() {
        as_expected(live(tx, id).await?, expected)?;
    }
    Ok(())
}

/// Returns a conversation, locked, or the one in which it goes on.
pub(super) async fn live(tx: &mut Tx, id: ConversationId) -> Result<Conversation, Refusal> {
    for _ in 0..MAX_LOCKED {
        let live = tx.conversations().live(id).await?;
        let live = live.ok_or_else(|| not_found("conversation", id))?;
        let locked = tx.conversations().lock(live.id).await?;
        let locked = locked.ok_or_else(|| not_found("conversation", id))?;
        // Another process may have merged it while the lock was waited for.
        if locked.merged_into.is_none() {
            return Ok(locked);
        }
    }
    Err(Refusal::Unavailable(format!(
        "conversation {id} is merged again and again by others; try again later"
    )))
}

/// Lets the room of a conversation show its new state.
pub(super) async fn show(tx: &mut Tx, core: &Core, conversation: &Conversation) -> Result<(), StoreError> {
    let policy = accounts::policy(tx, core, conversation.account_id).await?;
    notice::show_room(tx, &policy, conversation).await
}

/// Most conversations that are locked, one after another, because each was merged while its lock was waited for.
const MAX_LOCKED: u32 = 10;
/// Field of a request that holds the end of a snooze.
const UNTIL: &str = "/until";
