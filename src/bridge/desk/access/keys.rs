//! Keys of the API: made, rotated and revoked. A key itself is never stored, and so in no stored answer either: a repeat of
//! the request that made it is refused with its id.

use std::time::Duration;

use futures_util::FutureExt;
use serde::{Deserialize, Serialize};

use crate::bridge::core::command::{Idempotency, check_key};
use crate::bridge::core::refusal::{Refusal, not_found};
use crate::bridge::desk::handle::Desk;
use crate::bridge::desk::idempotency;
use crate::contract::AccountRef;
use crate::domain::{AgentId, ApiKeyId, Scope, Timestamp};
use crate::store::{NewApiKey, Store, StoreError, StoredApiKey, Tx};

/// Longest time for which a rotated key goes on working beside its successor.
pub const MAX_OVERLAP: Duration = Duration::from_hours(30 * 24);
/// How long it does so if the request does not say.
const USUAL_OVERLAP: Duration = Duration::from_hours(24);

/// HTTP status of the answer to a new key ("created").
const CREATED: u16 = 201;

/// A secret that was just made: what is stored of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyMade {
    /// First characters of the key, so that people can tell keys apart.
    pub prefix: String,
    /// SHA-256 of the key.
    pub hash: [u8; 32],
}

/// Request for a new key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRequest {
    /// Checked name.
    pub name: String,
    /// Rights of the key.
    pub scope: Scope,
    /// Accounts that the key is limited to; `None`: all.
    pub accounts: Option<Vec<AccountRef>>,
    /// Agent as whom the key acts.
    pub agent: Option<AgentId>,
    /// Time after which the key is refused.
    pub expires_at: Option<Timestamp>,
    /// The secret.
    pub made: KeyMade,
    /// Key by which a repeat of this request is recognised.
    pub idempotency: Option<Idempotency>,
}

/// Request for the successor of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// How long the old key still works; `None`: [`USUAL_OVERLAP`].
    pub overlap: Option<Duration>,
    /// Time after which the successor is refused; `None`: as long from now on as the old key was made for.
    pub expires_at: Option<Timestamp>,
    /// The secret of the successor.
    pub made: KeyMade,
    /// Key by which a repeat of this request is recognised.
    pub idempotency: Option<Idempotency>,
}

/// Answer that is stored in place of one with a secret.
#[derive(Serialize, Deserialize)]
struct Made {
    id: ApiKeyId,
}

impl Desk {
    /// Stores a new key. Refused with the id of the key if an earlier request with the same idempotency key made one.
    pub async fn create_key(&self, request: KeyRequest) -> Result<StoredApiKey, Refusal> {
        create_key(&self.core.store, request).await
    }

    /// Stores the successor of a key, with the same name, rights and bounds. Until the overlap ends, both work.
    pub async fn rotate_key(&self, id: ApiKeyId, rotation: Rotation) -> Result<StoredApiKey, Refusal> {
        check_key(rotation.idempotency.as_ref())?;
        if rotation.overlap.is_some_and(|overlap| overlap > MAX_OVERLAP) {
            return Err(Refusal::WrongField {
                pointer: "/overlap_seconds".to_owned(),
                detail: format!("a rotated key works for {} seconds at most", MAX_OVERLAP.as_secs()),
            });
        }
        let now = self.core.clock.now();
        check_expiry(rotation.expires_at, now)?;
        self.core
            .write((id, rotation, now), |tx, (id, rotation, now)| {
                async move { rotate(tx, *id, rotation, *now).await }.boxed()
            })
            .await
    }

    /// Revokes a key for good. A repeat returns the same key.
    pub async fn revoke_key(&self, id: ApiKeyId) -> Result<StoredApiKey, Refusal> {
        self.core
            .write(id, |tx, &id| {
                async move { tx.keys().revoke(id).await?.ok_or_else(|| not_found("key", id)) }.boxed()
            })
            .await
    }

    /// Refuses a time of expiry that is past.
    pub fn check_expiry(&self, expires_at: Option<Timestamp>) -> Result<(), Refusal> {
        check_expiry(expires_at, self.core.clock.now())
    }
}

fn check_expiry(expires_at: Option<Timestamp>, now: Timestamp) -> Result<(), Refusal> {
    if expires_at.is_none_or(|end| end > now) {
        return Ok(());
    }
    Err(Refusal::WrongField {
        pointer: "/expires_at".to_owned(),
        detail: format!("a key expires in the future, and it is {now}; give a later time"),
    })
}

/// Stores a new key, also where no server runs.
pub async fn create_key(store: &Store, request: KeyRequest) -> Result<StoredApiKey, Refusal> {
    check_key(request.idempotency.as_ref())?;
    store
        .write(request, |tx, request| async move { create(tx, request).await }.boxed())
        .await
}

async fn create(tx: &mut Tx, request: &KeyRequest) -> Result<StoredApiKey, Refusal> {
    let asked = request.idempotency.as_ref();
    refuse_repeat(tx, asked).await?;
    let accounts = match &request.accounts {
        Some(named) => Some(super::accounts(tx, named).await?),
        None => None,
    };
    if let Some(id) = request.agent {
        check_agent(tx, id).await?;
    }
    let new = NewApiKey {
        name: request.name.clone(),
        prefix: request.made.prefix.clone(),
        hash: request.made.hash,
        scopes: vec![request.scope.to_string()],
        accounts,
        expires_at: request.expires_at,
        agent: request.agent,
    };
    let stored = tx.keys().create(&new).await?;
    idempotency::store(tx, asked, CREATED, &Made { id: stored.id }, None).await?;
    Ok(stored)
}

async fn rotate(tx: &mut Tx, id: ApiKeyId, rotation: &Rotation, now: Timestamp) -> Result<StoredApiKey, Refusal> {
    let asked = rotation.idempotency.as_ref();
    refuse_repeat(tx, asked).await?;
    let old = tx.keys().lock(id).await?.ok_or_else(|| not_found("key", id))?;
    if let Some(next) = old.rotated_to {
        return Err(Refusal::Conflict(format!(
            "key {next} has taken the place of key {id} already; rotate that one"
        )));
    }
    if !old.is_valid(now) {
        return Err(Refusal::Conflict(format!(
            "key {id} is revoked or has expired; make a new one with `crm key create`"
        )));
    }
    let lifetime = old.expires_at.map(|end| end.since(old.created_at));
    let new = NewApiKey {
        name: old.name.clone(),
        prefix: rotation.made.prefix.clone(),
        hash: rotation.made.hash,
        scopes: old.scopes.clone(),
        accounts: old.accounts.clone(),
        expires_at: rotation.expires_at.or_else(|| lifetime.map(|span| now.plus(span))),
        agent: old.agent,
    };
    let until = now.plus(rotation.overlap.unwrap_or(USUAL_OVERLAP));
    let until = old.expires_at.map_or(until, |end| end.min(until));
    let stored = tx.keys().succeed(&old, &new, until).await?;
    idempotency::store(tx, asked, CREATED, &Made { id: stored.id }, None).await?;
    Ok(stored)
}

async fn check_agent(tx: &mut Tx, id: AgentId) -> Result<(), Refusal> {
    let wrong = |detail: String| Refusal::WrongField {
        pointer: "/agent_id".to_owned(),
        detail,
    };
    match tx.agents().find(id).await? {
        Some(agent) if agent.is_active() => Ok(()),
        Some(agent) => Err(wrong(format!(
            "agent {id} ({}) is deactivated; activate them first, or name another",
            agent.name
        ))),
        None => Err(wrong(format!(
            "there is no agent {id}; `crm agent list` shows those that there are"
        ))),
    }
}

/// Refuses the repeat of a request that made a key: the secret was shown only then.
async fn refuse_repeat(tx: &mut Tx, asked: Option<&Idempotency>) -> Result<(), Refusal> {
    let Some(stored) = idempotency::earlier(tx, asked).await? else {
        return Ok(());
    };
    let made: Made = stored
        .response
        .parse()
        .map_err(|error| Refusal::from(StoreError::corrupt("idempotency_keys", error)))?;
    Err(Refusal::MadeBefore {
        what: "key",
        id: made.id.0,
    })
}
