//! API keys, as hashes only, and the record of what was done with them.

use entity::{api_key, audit};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use serde::Serialize;

use crate::domain::hex::hex;
use crate::domain::{AccountId, ApiKeyId, Timestamp};
use crate::store::facet::{Audit, Keys};

use super::database::page;
use super::database::page::{Page, PageKey, PageRequest};
use super::database::row::{from_json, to_json};
use super::{Store, StoreError, Tx};

/// A key to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApiKey {
    pub name: String,
    /// The key's first characters, for people to tell keys apart.
    pub prefix: String,
    /// SHA-256 of the key.
    pub hash: [u8; 32],
    /// Words such as `read`, `send`, `manage`, `admin`.
    pub scopes: Vec<String>,
    /// The accounts that it is bound to; all when none.
    pub accounts: Option<Vec<AccountId>>,
    pub expires_at: Option<Timestamp>,
}

/// A key as it is stored: the key itself is nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredApiKey {
    pub id: ApiKeyId,
    pub name: String,
    pub prefix: String,
    pub scopes: Vec<String>,
    pub accounts: Option<Vec<AccountId>>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

/// Something that was done with a key, or by a person.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    pub at: Timestamp,
    pub actor: String,
    pub action: String,
    pub subject: String,
    pub detail: serde_json::Value,
}

impl StoredApiKey {
    /// Whether the key still opens anything at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

impl Audit<'_, Store> {
    /// What was done, by id.
    pub async fn page(&self, page: PageRequest) -> Result<Page<AuditEntry>, StoreError> {
        let columns = (None, audit::Column::Id);
        let key = |row: &audit::Model| PageKey::of_id(row.id);
        page::read(audit::Entity::find(), page, columns, self.0.readers(), key, |row| {
            Ok(AuditEntry {
                at: Timestamp(row.at),
                actor: row.actor,
                action: row.action,
                subject: row.subject,
                detail: from_json("audit", &row.detail)?,
            })
        })
        .await
    }
}

impl Keys<'_, Store> {
    /// The key with this hash, valid or not.
    pub async fn find(&self, hash: &[u8; 32]) -> Result<Option<StoredApiKey>, StoreError> {
        let row = api_key::Entity::find()
            .filter(api_key::Column::Hash.eq(hex(hash)))
            .one(self.0.readers())
            .await?;
        row.map(read).transpose()
    }

    /// All of them, the first made first.
    pub async fn list(&self) -> Result<Vec<StoredApiKey>, StoreError> {
        let rows = api_key::Entity::find()
            .order_by_asc(api_key::Column::Id)
            .all(self.0.readers())
            .await?;
        rows.into_iter().map(read).collect()
    }
}

impl Audit<'_, Tx> {
    /// Records who did what to what.
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
    pub async fn create(&self, new: &NewApiKey) -> Result<StoredApiKey, StoreError> {
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
        };
        let mut unnumbered = row.clone().into_active_model();
        unnumbered.id = NotSet;
        let inserted = api_key::Entity::insert(unnumbered).exec(&self.0.session).await?;
        row.id = inserted.last_insert_id;
        read(row)
    }

    /// Revokes a key for good; `None` when there is no such key.
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

    /// Notes that a key was used now.
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
    })
}
