//! API keys, stored only as hashes, and the audit log of what was done with them.

use entity::{api_key, audit};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;

use crate::domain::agent::Agent;
use crate::domain::hex::hex;
use crate::domain::{AccountId, AgentId, ApiKeyId, OwnerId, Timestamp};
use crate::store::facet::{Audit, Keys};

use super::database::page;
use super::database::page::{Cursor, Page, PageRequest};
use super::database::row::{from_json, to_json};
use super::database::session::exclusive;
use super::{Store, StoreError, Tx};

/// Most audit entries deleted in one transaction, so that pruning does not block other writers for long.
const PRUNE_STEP: u64 = 1_000;

/// An API key to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApiKey {
    /// Name by which people know the key.
    pub name: String,
    /// First characters of the key, so that people can tell keys apart.
    pub prefix: String,
    /// SHA-256 of the key.
    pub hash: [u8; 32],
    /// Scopes of the key: `read`, `send`, `manage` or `admin`.
    pub scopes: Vec<String>,
    /// Accounts that the key is limited to; `None` means all accounts.
    pub accounts: Option<Vec<AccountId>>,
    /// Time after which the key is refused; `None` means never.
    pub expires_at: Option<Timestamp>,
    /// Agent as whom the key acts; `None` for a key that acts for itself.
    pub agent: Option<AgentId>,
}

/// An API key as it is stored. The key itself is not stored anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredApiKey {
    /// Id of the row.
    pub id: ApiKeyId,
    /// Name by which people know the key.
    pub name: String,
    /// First characters of the key.
    pub prefix: String,
    /// Scopes of the key.
    pub scopes: Vec<String>,
    /// Accounts that the key is limited to; `None` means all accounts.
    pub accounts: Option<Vec<AccountId>>,
    /// Time at which the key was stored.
    pub created_at: Timestamp,
    /// Time after which the key is refused; `None` means never.
    pub expires_at: Option<Timestamp>,
    /// Time at which the key was revoked; `None` while it is not.
    pub revoked_at: Option<Timestamp>,
    /// Time of the last request that used the key, as [`Keys::touch`] recorded it.
    pub last_used_at: Option<Timestamp>,
    /// Agent as whom the key acts; `None` for a key that acts for itself.
    pub agent: Option<AgentId>,
    /// First key of the succession.
    pub first: ApiKeyId,
    /// Key that has taken the place of this one.
    pub rotated_to: Option<ApiKeyId>,
}

/// A key, with the agent as whom it acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHolder {
    /// The key.
    pub key: StoredApiKey,
    /// Its agent; `None` for a key that acts for itself.
    pub agent: Option<Agent>,
}

/// Selects entries of the audit log; those that match all given fields are returned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Part of the actor.
    pub actor: Option<String>,
    /// Part of the action, or the whole name of the operation.
    pub action: Option<String>,
    /// Entries at or after this time.
    pub from: Option<Timestamp>,
    /// Entries before this time.
    pub until: Option<Timestamp>,
}

/// One entry of the audit log: an action done with a key or by a person.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// Id of the row.
    pub id: i64,
    /// Time of the action.
    pub at: Timestamp,
    /// Key or person that did it.
    pub actor: String,
    /// Name of the action.
    pub action: String,
    /// Thing that the action was done to.
    pub subject: String,
    /// Further facts about the action, as JSON.
    pub detail: serde_json::Value,
}

impl StoredApiKey {
    /// Returns whether the key is neither revoked nor expired at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Returns the owner of what is done with the key: its agent, or the first key of its succession.
    pub const fn owner(&self) -> OwnerId {
        match self.agent {
            Some(agent) => OwnerId::of_agent(agent),
            None => OwnerId::of_key(self.first),
        }
    }
}

impl Audit<'_, Store> {
    /// Returns a page of the audit log, ordered by time, then by id.
    pub async fn page(&self, page: PageRequest, filter: &AuditFilter) -> Result<Page<AuditEntry>, StoreError> {
        let mut query = audit::Entity::find();
        if let Some(actor) = &filter.actor {
            query = query.filter(audit::Column::Actor.like(page::containing(actor)));
        }
        if let Some(action) = &filter.action {
            let operation = page::containing(&format!("\"operation\":\"{action}\""));
            let either = Condition::any()
                .add(audit::Column::Action.like(page::containing(action)))
                .add(audit::Column::Detail.like(operation));
            query = query.filter(either);
        }
        if let Some(from) = filter.from {
            query = query.filter(audit::Column::At.gte(from.0));
        }
        if let Some(until) = filter.until {
            query = query.filter(audit::Column::At.lt(until.0));
        }
        let columns = (Some(audit::Column::At), audit::Column::Id);
        let key = |row: &audit::Model| Cursor { at: row.at, id: row.id };
        page::read(query, page, columns, self.0.readers(), key, |row| {
            Ok(AuditEntry {
                id: row.id,
                at: Timestamp(row.at),
                actor: row.actor,
                action: row.action,
                subject: row.subject,
                detail: from_json("audit", &row.detail)?,
            })
        })
        .await
    }

    /// Deletes the entries that are older than `before`, and returns how many.
    pub async fn prune(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut count = 0;
        loop {
            let pruned = self
                .0
                .write(before, |tx, &before| {
                    Box::pin(async move { tx.audit().prune_step(before).await })
                })
                .await?;
            count += pruned;
            if pruned < PRUNE_STEP {
                return Ok(count);
            }
        }
    }
}

impl Keys<'_, Store> {
    /// Returns the key with this hash, even if it is revoked or expired.
    pub async fn find(&self, hash: &[u8; 32]) -> Result<Option<StoredApiKey>, StoreError> {
        let row = api_key::Entity::find()
            .filter(api_key::Column::Hash.eq(hex(hash)))
            .one(self.0.readers())
            .await?;
        row.map(read).transpose()
    }

    /// Returns the key with this hash, even if it is revoked or expired, and its agent, even if they are deactivated.
    pub async fn holder(&self, hash: &[u8; 32]) -> Result<Option<KeyHolder>, StoreError> {
        let Some(key) = self.find(hash).await? else {
            return Ok(None);
        };
        let agent = match key.agent {
            // A key whose agent is gone has no rights.
            Some(id) => match self.0.agents().get(id).await? {
                Some(agent) => Some(agent),
                None => return Ok(None),
            },
            None => None,
        };
        Ok(Some(KeyHolder { key, agent }))
    }

    /// Returns the key with this id, even if it is revoked or expired.
    pub async fn get(&self, id: ApiKeyId) -> Result<Option<StoredApiKey>, StoreError> {
        let row = api_key::Entity::find_by_id(id).one(self.0.readers()).await?;
        row.map(read).transpose()
    }

    /// Returns all keys, oldest first.
    pub async fn list(&self) -> Result<Vec<StoredApiKey>, StoreError> {
        let rows = api_key::Entity::find()
            .order_by_asc(api_key::Column::Id)
            .all(self.0.readers())
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// Returns a page of all keys, ordered by id.
    pub async fn page(&self, page: PageRequest) -> Result<Page<StoredApiKey>, StoreError> {
        let columns = (None, api_key::Column::Id);
        let key = |row: &api_key::Model| Cursor::of_id(row.id.0);
        page::read(api_key::Entity::find(), page, columns, self.0.readers(), key, read).await
    }
}

impl Audit<'_, Tx> {
    /// Deletes the oldest entries, as far as they are older than `before`: entries are written in the order of time.
    async fn prune_step(&self, before: Timestamp) -> Result<u64, StoreError> {
        let oldest = audit::Entity::find()
            .order_by_asc(audit::Column::Id)
            .limit(PRUNE_STEP)
            .all(&self.0.session)
            .await?;
        let Some(last) = oldest.iter().take_while(|row| row.at < before.0).last() else {
            return Ok(0);
        };
        let deleted = audit::Entity::delete_many()
            .filter(audit::Column::Id.lte(last.id))
            .exec(&self.0.session)
            .await?;
        Ok(deleted.rows_affected)
    }

    /// Adds an entry to the audit log: `actor` did `action` to `subject`. `detail` is stored as JSON.
    pub async fn add(
        &self,
        actor: &str,
        action: &str,
        subject: &str,
        detail: &(impl Serialize + Sync),
    ) -> Result<(), StoreError> {
        let detail = to_json(detail)?;
        let row = audit::ActiveModel {
            id: NotSet,
            at: Set(self.0.now.0),
            actor: Set(actor.to_owned()),
            action: Set(action.to_owned()),
            subject: Set(subject.to_owned()),
            detail: Set(detail),
        };
        audit::Entity::insert(row).exec(&self.0.session).await?;
        Ok(())
    }
}

impl Keys<'_, Tx> {
    /// Stores a new key and returns it as stored.
    pub async fn create(&self, new: &NewApiKey) -> Result<StoredApiKey, StoreError> {
        self.insert(new, None).await
    }

    /// Returns the key with this id, and locks it until the commit.
    pub async fn lock(&self, id: ApiKeyId) -> Result<Option<StoredApiKey>, StoreError> {
        let query = exclusive(&self.0.session, api_key::Entity::find_by_id(id));
        query.one(&self.0.session).await?.map(read).transpose()
    }

    /// Stores the successor of a key, which is refused from `until` on, and returns the successor.
    pub async fn succeed(
        &self,
        old: &StoredApiKey,
        new: &NewApiKey,
        until: Timestamp,
    ) -> Result<StoredApiKey, StoreError> {
        let successor = self.insert(new, Some(old.first)).await?;
        api_key::Entity::update_many()
            .col_expr(api_key::Column::ExpiresAt, Expr::value(until.0))
            .col_expr(api_key::Column::RotatedTo, Expr::value(successor.id.0))
            .filter(api_key::Column::Id.eq(old.id))
            .exec(&self.0.session)
            .await?;
        Ok(successor)
    }

    async fn insert(&self, new: &NewApiKey, first: Option<ApiKeyId>) -> Result<StoredApiKey, StoreError> {
        let mut row = api_key::Model {
            id: ApiKeyId(0),
            name: new.name.clone(),
            prefix: new.prefix.clone(),
            hash: hex(&new.hash),
            scopes: to_json(&new.scopes)?,
            accounts: new.accounts.as_ref().map(to_json).transpose()?,
            created_at: self.0.now.0,
            expires_at: new.expires_at.map(|at| at.0),
            revoked_at: None,
            last_used_at: None,
            agent_id: new.agent,
            owner_id: first,
            rotated_to: None,
        };
        let mut unnumbered = row.clone().into_active_model();
        unnumbered.id = NotSet;
        let inserted = api_key::Entity::insert(unnumbered).exec(&self.0.session).await?;
        row.id = inserted.last_insert_id;
        read(row)
    }

    /// Revokes a key permanently and returns it. Returns `None` when no key has this id. A second call keeps the first
    /// time.
    pub async fn revoke(&self, id: ApiKeyId) -> Result<Option<StoredApiKey>, StoreError> {
        let Some(mut row) = api_key::Entity::find_by_id(id).one(&self.0.session).await? else {
            return Ok(None);
        };
        if row.revoked_at.is_none() {
            row.revoked_at = Some(self.0.now.0);
            api_key::Entity::update_many()
                .col_expr(api_key::Column::RevokedAt, Expr::value(self.0.now.0))
                .filter(api_key::Column::Id.eq(id))
                .exec(&self.0.session)
                .await?;
        }
        read(row).map(Some)
    }

    /// Records that a key was used now.
    pub async fn touch(&self, id: ApiKeyId) -> Result<(), StoreError> {
        api_key::Entity::update_many()
            .col_expr(api_key::Column::LastUsedAt, Expr::value(self.0.now.0))
            .filter(api_key::Column::Id.eq(id))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }
}

fn read(row: api_key::Model) -> Result<StoredApiKey, StoreError> {
    Ok(StoredApiKey {
        id: row.id,
        name: row.name,
        prefix: row.prefix,
        scopes: from_json("api_keys", &row.scopes)?,
        accounts: row
            .accounts
            .map(|accounts| from_json("api_keys", &accounts))
            .transpose()?,
        created_at: Timestamp(row.created_at),
        expires_at: row.expires_at.map(Timestamp),
        revoked_at: row.revoked_at.map(Timestamp),
        last_used_at: row.last_used_at.map(Timestamp),
        agent: row.agent_id,
        first: row.owner_id.unwrap_or(row.id),
        rotated_to: row.rotated_to,
    })
}
