//! Agents: added, changed, deactivated and activated by people.

use futures_util::FutureExt;

use crate::bridge::core::agents::update_members;
use crate::bridge::core::command::{Answered, Idempotency, check_key};
use crate::bridge::core::refusal::{Refusal, not_found};
use crate::bridge::desk::handle::Desk;
use crate::bridge::desk::idempotency;
use crate::contract::{AccountRef, AgentView, Event};
use crate::domain::agent::{Agent, AgentSource, checked_name, name_key};
use crate::domain::signature::{NotASignature, Signature};
use crate::domain::{AgentId, MatrixUserId, Role, when};
use crate::store::{AgentChange, NewAgent, StoreError, Tx, WorkFor};

/// HTTP status of the answer to a new agent ("created").
const CREATED: u16 = 201;

/// Request for a new agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentRequest {
    /// Name that colleagues see.
    pub name: String,
    /// Matrix user, if they have one.
    pub matrix_user: Option<String>,
    /// Role of the agent.
    pub role: Role,
    /// Accounts that the agent is limited to; `None`: all.
    pub accounts: Option<Vec<AccountRef>>,
    /// Signature under what they write.
    pub signature: Option<String>,
    /// Name of their time zone.
    pub time_zone: Option<String>,
    /// Key by which a repeat of this request is recognised.
    pub idempotency: Option<Idempotency>,
}

/// Change of an agent. A field that is `None` is not changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentEdit {
    /// Name that colleagues see.
    pub name: Option<String>,
    /// Matrix user; `Some(None)` removes it.
    pub matrix_user: Option<Option<String>>,
    /// Role of the agent.
    pub role: Option<Role>,
    /// Accounts that the agent is limited to; `Some(None)`: all.
    pub accounts: Option<Option<Vec<AccountRef>>>,
    /// Signature under what they write; `Some(None)`: none.
    pub signature: Option<Option<String>>,
    /// Name of their time zone; `Some(None)`: none.
    pub time_zone: Option<Option<String>>,
    /// Whether the agent works at the desk.
    pub active: Option<bool>,
    /// Revision that the caller has seen; refused if the agent differs from it. `None`: not checked.
    pub expected: Option<String>,
}

impl Desk {
    /// Adds an agent. Returns it, or the stored answer of an earlier request with the same key.
    pub async fn create_agent(&self, request: AgentRequest) -> Result<Answered<Agent>, Refusal> {
        check_key(request.idempotency.as_ref())?;
        self.core
            .write((request, self.core.policy.matrix), |tx, (request, matrix)| {
                async move { create(tx, request, *matrix).await }.boxed()
            })
            .await
    }

    /// Changes an agent, deactivates or activates it. Returns the agent as stored afterwards.
    pub async fn edit_agent(&self, id: AgentId, edit: AgentEdit) -> Result<Agent, Refusal> {
        self.core
            .write((id, edit, self.core.policy.matrix), |tx, (id, edit, matrix)| {
                async move { change(tx, *id, edit, *matrix).await }.boxed()
            })
            .await
    }
}

async fn create(tx: &mut Tx, request: &AgentRequest, matrix: bool) -> Result<Answered<Agent>, Refusal> {
    let asked = request.idempotency.as_ref();
    if let Some(stored) = idempotency::earlier(tx, asked).await? {
        return Ok(Answered::Replayed(stored));
    }
    let new = NewAgent {
        name: named(&request.name)?,
        matrix_user: request.matrix_user.as_deref().map(user).transpose()?,
        role: request.role,
        accounts: match &request.accounts {
            Some(named) => Some(super::accounts(tx, named).await?),
            None => None,
        },
        signature: request.signature.as_deref().map(signature).transpose()?,
        time_zone: request.time_zone.as_deref().map(zone).transpose()?,
        source: AgentSource::Person,
    };
    let others = tx.agents().list().await?;
    free_name(&others, None, &new.name)?;
    free_user(&others, None, new.matrix_user.as_ref())?;
    let agent = tx.agents().create(&new).await.map_err(taken)?;
    if matrix && agent.matrix_user.is_some() {
        update_members(tx).await?;
    }
    tx.wake(WorkFor::Management);
    tx.emit(Event::agent_created(&agent));
    idempotency::store(tx, asked, CREATED, &AgentView::from(&agent), None).await?;
    Ok(Answered::New(agent))
}

async fn change(tx: &mut Tx, id: AgentId, edit: &AgentEdit, matrix: bool) -> Result<Agent, Refusal> {
    let before = tx.agents().find(id).await?.ok_or_else(|| not_found("agent", id))?;
    if let Some(known) = &edit.expected {
        let changed = before.differences(known);
        if !changed.is_empty() {
            return Err(Refusal::Changed(format!(
                "agent {id} has changed since you looked at it: {}; load it again, then repeat your change",
                changed.join(", ")
            )));
        }
    }
    let change = checked(tx, edit).await?;
    let others = tx.agents().list().await?;
    let active = edit.active.unwrap_or_else(|| before.is_active());
    if active && (change.name.is_some() || !before.is_active()) {
        free_name(&others, Some(id), change.name.as_deref().unwrap_or(&before.name))?;
    }
    free_user(&others, Some(id), change.matrix_user.as_ref().and_then(Option::as_ref))?;
    // Each is written alone, so that a name is freed or taken by the state that the agent has then.
    if !active && before.deactivated.is_none_or(|end| end.by != AgentSource::Person) && edit.active.is_some() {
        tx.agents().deactivate(id, AgentSource::Person).await?;
    }
    let mut after = tx.agents().update(id, &change).await.map_err(taken)?;
    if active && !before.is_active() {
        tx.agents().activate(id).await.map_err(taken)?;
        after = tx.agents().find(id).await?.ok_or_else(|| not_found("agent", id))?;
    }
    if after == before {
        return Ok(after);
    }
    let members = |agent: &Agent| (agent.matrix_user.clone(), agent.is_active(), agent.accounts.clone());
    if matrix && members(&after) != members(&before) {
        update_members(tx).await?;
    }
    if after.name != before.name {
        tx.conversations().rename_assignee(id, &after.name).await?;
    }
    tx.wake(WorkFor::Management);
    tx.emit(Event::agent_updated(&after));
    Ok(after)
}

/// Checks the fields of an edit.
async fn checked(tx: &mut Tx, edit: &AgentEdit) -> Result<AgentChange, Refusal> {
    Ok(AgentChange {
        name: edit.name.as_deref().map(named).transpose()?,
        matrix_user: match &edit.matrix_user {
            Some(text) => Some(text.as_deref().map(user).transpose()?),
            None => None,
        },
        role: edit.role,
        accounts: match &edit.accounts {
            Some(Some(named)) => Some(Some(super::accounts(tx, named).await?)),
            Some(None) => Some(None),
            None => None,
        },
        signature: match &edit.signature {
            Some(text) => Some(text.as_deref().map(signature).transpose()?),
            None => None,
        },
        time_zone: match &edit.time_zone {
            Some(name) => Some(name.as_deref().map(zone).transpose()?),
            None => None,
        },
    })
}

fn named(name: &str) -> Result<String, Refusal> {
    checked_name(name).map_err(|error| Refusal::WrongField {
        pointer: "/name".to_owned(),
        detail: error.to_string(),
    })
}

fn signature(text: &str) -> Result<Signature, Refusal> {
    text.parse().map_err(|error: NotASignature| Refusal::WrongField {
        pointer: "/signature".to_owned(),
        detail: error.to_string(),
    })
}

/// Returns the name of a time zone as the tz database spells it.
fn zone(name: &str) -> Result<String, Refusal> {
    let zone = when::zone(name).map_err(|error| Refusal::WrongField {
        pointer: "/time_zone".to_owned(),
        detail: error.to_string(),
    })?;
    Ok(zone.iana_name().unwrap_or(name).to_owned())
}

/// Returns the id of a Matrix user (Matrix specification, "User identifiers"): `@`, a local part, `:`, a server.
fn user(text: &str) -> Result<MatrixUserId, Refusal> {
    const MAX_BYTES: usize = 255;
    let rest = text.strip_prefix('@').and_then(|rest| rest.split_once(':'));
    let is_whole = rest.is_some_and(|(local, server)| !local.is_empty() && !server.is_empty());
    let is_printed = text.chars().all(|c| c.is_ascii_graphic());
    if is_whole && is_printed && text.len() <= MAX_BYTES {
        return Ok(MatrixUserId::from(text));
    }
    Err(Refusal::WrongField {
        pointer: "/matrix_user".to_owned(),
        detail: "this is no Matrix user; write it whole, such as @ada:example.org".to_owned(),
    })
}

/// Refuses a name that another active agent has.
fn free_name(others: &[Agent], own: Option<AgentId>, name: &str) -> Result<(), Refusal> {
    let key = name_key(name);
    let same = |other: &&Agent| other.is_active() && Some(other.id) != own && name_key(&other.name) == key;
    match others.iter().find(same) {
        None => Ok(()),
        Some(other) => Err(Refusal::Conflict(format!(
            "agent {} is called {} already; choose another name",
            other.id, other.name
        ))),
    }
}

/// Refuses a Matrix user who is another agent, active or not.
fn free_user(others: &[Agent], own: Option<AgentId>, user: Option<&MatrixUserId>) -> Result<(), Refusal> {
    let same = |other: &&Agent| user.is_some() && Some(other.id) != own && other.matrix_user.as_ref() == user;
    match others.iter().find(same) {
        None => Ok(()),
        Some(other) => Err(Refusal::Conflict(format!(
            "agent {} ({}) has this Matrix user already; change that agent, or activate it again",
            other.id, other.name
        ))),
    }
}

/// Says what it means that the database refused a row: another process has just taken the name or the Matrix user.
fn taken(error: StoreError) -> Refusal {
    match error {
        StoreError::Conflict(_) => Refusal::Conflict(
            "another agent has just got this name or Matrix user; look at the agents, then choose another".to_owned(),
        ),
        error => error.into(),
    }
}
