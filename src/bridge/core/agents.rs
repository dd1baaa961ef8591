//! Agents, the people who answer customers. Only the table of agents counts; at each start the configuration is
//! reconciled into it.

use futures_util::FutureExt;

use crate::domain::agent::{Agent, AgentSource, name_key};
use crate::domain::{ConversationId, MatrixUserId};
use crate::store::{AgentChange, Store, StoreError, Tx};

use super::accounts;

/// Upper bound of the rooms that former agents are put out of at once; of the others, at their next change.
const MAX_ROOMS: u64 = 100_000;
/// Setting that is there when the rooms from before members could no longer invite were brought up to date, which puts out
/// those whom members had let in.
const CLOSED: &str = "rooms.closed";

/// Changes that the configuration has made in the table of agents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Named for the first time, and added.
    pub added: Vec<MatrixUserId>,
    /// Named again, and activated again.
    pub back: Vec<MatrixUserId>,
    /// No longer named, and deactivated.
    pub left: Vec<MatrixUserId>,
    /// Named, but deactivated by a person: they stay deactivated.
    pub kept_out: Vec<MatrixUserId>,
}

/// Reconciles the agents of the configuration into the table. Logs a warning for each that is deactivated or stays so.
pub async fn reconcile_agents(store: &Store, named: &[MatrixUserId]) -> Result<Reconciled, StoreError> {
    let reconciled = match written(store, named).await {
        // Another process that starts at the same time has added them.
        Err(StoreError::Conflict(_)) => written(store, named).await?,
        done => done?,
    };
    for user in &reconciled.left {
        tracing::warn!(%user, "no longer named in CRM_MATRIX_AGENTS: their messages are not sent any more");
    }
    for user in &reconciled.kept_out {
        tracing::warn!(
            %user,
            "named in CRM_MATRIX_AGENTS, but a person has deactivated this agent, who stays so; remove them from the configuration"
        );
    }
    Ok(reconciled)
}

async fn written(store: &Store, named: &[MatrixUserId]) -> Result<Reconciled, StoreError> {
    let named = named.to_vec();
    let written = store.write(named, |tx, named| async move { reconcile(tx, named).await }.boxed());
    written.await
}

async fn reconcile(tx: &mut Tx, named: &[MatrixUserId]) -> Result<Reconciled, StoreError> {
    let known = tx.agents().list().await?;
    let mut reconciled = Reconciled::default();
    for (n, user) in named.iter().enumerate() {
        if named[..n].contains(user) {
            continue;
        }
        match known.iter().find(|agent| agent.matrix_user.as_ref() == Some(user)) {
            None => {
                let name = free_name(tx, name_of(user), user).await?;
                tx.agents().add(user, &name, AgentSource::Config).await?;
                reconciled.added.push(user.clone());
            }
            Some(Agent { deactivated: None, .. }) => {}
            Some(Agent {
                id,
                name,
                deactivated: Some(end),
                ..
            }) => match end.by {
                AgentSource::Config => {
                    let name = Some(free_name(tx, name, user).await?);
                    let renamed = AgentChange {
                        name,
                        ..AgentChange::default()
                    };
                    tx.agents().update(*id, &renamed).await?;
                    tx.agents().activate(*id).await?;
                    reconciled.back.push(user.clone());
                }
                AgentSource::Person => reconciled.kept_out.push(user.clone()),
            },
        }
    }
    for agent in known {
        if agent.is_active()
            && agent.source == AgentSource::Config
            && let Some(user) = agent.matrix_user
            && !named.contains(&user)
        {
            tx.agents().deactivate(agent.id, AgentSource::Config).await?;
            reconciled.left.push(user);
        }
    }
    let is_closed = tx.settings().get(CLOSED).await?.is_some();
    if !is_closed {
        tx.settings().set(CLOSED, Some("yes")).await?;
    }
    // Who was added or is back is asked into the rooms that nobody has, as after a change by a person.
    let is_changed = [&reconciled.added, &reconciled.back, &reconciled.left]
        .iter()
        .any(|users| !users.is_empty());
    if !is_closed || is_changed {
        update_members(tx).await?;
    }
    Ok(reconciled)
}

/// Returns this name if no active agent has it, else the whole id of the Matrix user.
async fn free_name(tx: &mut Tx, name: &str, user: &MatrixUserId) -> Result<String, StoreError> {
    let key = name_key(name);
    let is_same = |other: &Agent| other.is_active() && name_key(&other.name) == key;
    if tx.agents().list().await?.iter().any(is_same) {
        return Ok(user.as_str().trim_start_matches('@').to_owned());
    }
    Ok(name.to_owned())
}

/// Brings the members of all rooms up to date: each room invites the agents, and puts out former ones, whose devices get no
/// key of a later message.
pub(crate) async fn update_members(tx: &mut Tx) -> Result<(), StoreError> {
    accounts::update_rooms(tx, MAX_ROOMS).await
}

/// Stores that an agent has left a conversation's room: its next message asks somebody in, if nobody is there.
pub(crate) async fn note_left(tx: &Tx, conversation: ConversationId) -> Result<(), StoreError> {
    tx.settings().set(&left(conversation), Some("yes")).await
}

/// Returns whether an agent has left a conversation's room since its last message.
pub(crate) async fn has_left(store: &Store, conversation: ConversationId) -> Result<bool, StoreError> {
    Ok(store.settings().get(&left(conversation)).await?.is_some())
}

/// Forgets that an agent has left a conversation's room.
pub(crate) async fn forget_left(tx: &Tx, conversation: ConversationId) -> Result<(), StoreError> {
    tx.settings().set(&left(conversation), None).await
}

/// Returns the setting that is there while an agent has left a conversation's room and nothing was shown since.
fn left(conversation: ConversationId) -> String {
    format!("rooms.left.{conversation}")
}

/// Returns the name by which colleagues know a Matrix user: of `@ada:example.org`, `ada`.
pub(crate) fn name_of(user: &MatrixUserId) -> &str {
    let local = user.as_str().trim_start_matches('@');
    local.split_once(':').map_or(local, |(name, _)| name)
}
