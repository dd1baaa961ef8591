//! `/keys`: API keys are created, listed and revoked. A key itself is returned once, when it is created.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use futures_util::FutureExt as _;

use super::access::auth::Caller;
use super::access::{Access, secret};
use super::http::answer::Created;
use super::http::extract::{Body, Path};
use super::http::listing::{Listed, Listing, NoFilter};
use super::http::problem::Problem;
use super::http::takes::IdempotencyKey;
use super::messages::idempotency;
use crate::bridge::{Desk, Idempotency, KeyMade, KeyRequest, Rotation, create_key};
use crate::contract::{CreateKey, CreatedKey, KeyView, RotateKey, Scope};
use crate::domain::ApiKeyId;
use crate::domain::agent::checked_name;
use crate::store::{NewApiKey, Order, Store, StoreError, StoredApiKey};

/// `GET /keys`, scope `admin`: lists all keys, also revoked ones, without their secrets, the oldest first.
pub async fn list(State(store): State<Store>, list: Listing<NoFilter>) -> Result<Listed<KeyView>, Problem> {
    let request = list.page(Order::Ascending);
    let page = store.keys().page(request).await?;
    Ok(list.answer(request, page))
}

/// `GET /keys/{id}`, scope `admin`: returns a key, without its secret.
pub async fn view(State(store): State<Store>, Path(id): Path<ApiKeyId>) -> Result<Json<KeyView>, Problem> {
    let key = store.keys().get(id).await?;
    Ok(Json(key.ok_or_else(|| Problem::not_found("key", id))?.into()))
}

/// `POST /keys`, scope `admin`: creates a key and returns it, this once. A repetition with the same `Idempotency-Key` gets 409
/// with its id.
pub async fn create(
    State(desk): State<Desk>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    Body(wanted): Body<CreateKey>,
) -> Result<Created<CreatedKey>, Problem> {
    let idempotency = idempotency(&caller, key, "keys", &wanted)?;
    desk.check_expiry(wanted.expires_at)?;
    let key = secret::new_key().map_err(|error| Problem::internal(&error))?;
    let request = request(wanted, &key, idempotency)?;
    Ok(told(key, desk.create_key(request).await?))
}

/// `POST /keys/{id}/rotate`, scope `admin`: makes the successor of a key, and returns it, this once. The old key still works
/// for a while. A repetition with the same `Idempotency-Key` gets 409 with its id.
pub async fn rotate(
    State(desk): State<Desk>,
    State(access): State<Access>,
    caller: Caller,
    Path(id): Path<ApiKeyId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(wanted): Body<RotateKey>,
) -> Result<Created<CreatedKey>, Problem> {
    let place = format!("keys/{id}/rotate");
    let idempotency = idempotency(&caller, key, &place, &wanted)?;
    let key = secret::new_key().map_err(|error| Problem::internal(&error))?;
    let rotation = Rotation {
        overlap: wanted.overlap_seconds.map(Duration::from_secs),
        expires_at: wanted.expires_at,
        made: made(&key),
        idempotency,
    };
    let stored = desk.rotate_key(id, rotation).await?;
    access.note_revocation();
    Ok(told(key, stored))
}

/// `POST /keys/{id}/revoke`, scope `admin`: revokes a key for good. WebSockets opened with it are closed at once.
pub async fn revoke(
    State(desk): State<Desk>,
    State(access): State<Access>,
    Path(id): Path<ApiKeyId>,
) -> Result<Json<KeyView>, Problem> {
    let revoked = desk.revoke_key(id).await?;
    access.note_revocation();
    Ok(Json(revoked.into()))
}

fn told(key: String, stored: StoredApiKey) -> Created<CreatedKey> {
    Created {
        location: format!("/api/v1/keys/{}", stored.id),
        body: CreatedKey {
            key,
            stored: stored.into(),
        },
    }
}

/// Creates a key and stores its hash, also where no server runs. A problem if the name is empty or too long.
pub async fn make(store: &Store, wanted: CreateKey) -> Result<CreatedKey, Problem> {
    let key = secret::new_key().map_err(|error| Problem::internal(&error))?;
    let stored = create_key(store, request(wanted, &key, None)?).await?;
    Ok(told(key, stored).body)
}

fn request(wanted: CreateKey, key: &str, idempotency: Option<Idempotency>) -> Result<KeyRequest, Problem> {
    let name = checked_name(&wanted.name).map_err(|error| Problem::wrong_field("/name", error.to_string()))?;
    Ok(KeyRequest {
        name,
        scope: wanted.scope,
        accounts: wanted.accounts,
        agent: wanted.agent_id,
        expires_at: wanted.expires_at,
        made: made(key),
        idempotency,
    })
}

fn made(key: &str) -> KeyMade {
    KeyMade {
        prefix: secret::shown(key).to_owned(),
        hash: secret::hash(key),
    }
}

/// Stores a key that was created elsewhere, such as the one in `admin.key`. A known key stays as it is, also a revoked
/// one.
pub async fn adopt(store: &Store, name: &str, scope: Scope, key: &str) -> Result<(), StoreError> {
    if store.keys().find(&secret::hash(key)).await?.is_some() {
        return Ok(());
    }
    let made = made(key);
    let new = NewApiKey {
        name: name.to_owned(),
        prefix: made.prefix,
        hash: made.hash,
        scopes: vec![scope.to_string()],
        accounts: None,
        expires_at: None,
        agent: None,
    };
    let adopted = store.write::<_, _, StoreError, _>(new, |tx, new| async move { tx.keys().create(new).await }.boxed());
    adopted.await.map(|_| ())
}

impl From<StoredApiKey> for KeyView {
    fn from(key: StoredApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            prefix: key.prefix,
            scopes: key.scopes,
            accounts: key.accounts,
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
            agent_id: key.agent,
            rotated_to: key.rotated_to,
        }
    }
}
