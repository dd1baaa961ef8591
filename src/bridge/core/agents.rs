//! Agents, the people who answer customers. Only the table of agents counts; at each start the configuration is
//! reconciled into it.

use futures_util::FutureExt;

use crate::domain::MatrixUserId;
use crate::domain::agent::{Agent, AgentSource};
use crate::store::{Store, StoreError, Tx};

use super::accounts;

/// Upper bound of the rooms that former agents are put out of at once; of the others, at their next change.
const MAX_ROOMS: u64 = 100_000;

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
                tx.agents().add(user, name_of(user), AgentSource::Config).await?;
                reconciled.added.push(user.clone());
            }
            Some(Agent { deactivated: None, .. }) => {}
            Some(Agent {
                id,
                deactivated: Some(end),
                ..
            }) => match end.by {
                AgentSource::Config => {
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
    if !reconciled.left.is_empty() {
        // Each room puts them out, and their devices get no key of a later message.
        accounts::update_rooms(tx, MAX_ROOMS).await?;
    }
    Ok(reconciled)
}

/// Returns the name by which colleagues know a Matrix user: of `@ada:example.org`, `ada`.
pub(crate) fn name_of(user: &MatrixUserId) -> &str {
    let local = user.as_str().trim_start_matches('@');
    local.split_once(':').map_or(local, |(name, _)| name)
}
