//! `/keys`: API keys are created, listed and revoked. A key itself is returned once, when it is created.

use axum::Json;
use axum::extract::State;
use futures_util::FutureExt as _;

use super::access::{Access, secret};
use super::http::answer::Created;
use super::http::extract::{Body, Path};
use super::http::listing::{Listed, Listing, NoFilter};
use super::http::problem::Problem;
use crate::contract::{CreateKey, CreatedKey, KeyView, Scope};
use crate::domain::{ApiKeyId, Timestamp, display_name};
use crate::store::{NewApiKey, Order, Store, StoreError, StoredApiKey};

/// Maximum length of a key's name, in characters.
const MAX_NAME_CHARS: usize = 100;

/// `GET /keys`, scope `admin`: lists all keys, also revoked ones, without their secrets, the oldest first.
pub async fn list(State(store): State<Store>, list: Listing<NoFilter>) -> Result<Listed<KeyView>, Problem> {
    let request = list.page(Order::Ascending)?;
    let page = store.keys().page(request).await?;
    Ok(list.answer(request, page))
}

/// `GET /keys/{id}`, scope `admin`: returns a key, without its secret.
pub async fn view(State(store): State<Store>, Path(id): Path<ApiKeyId>) -> Result<Json<KeyView>, Problem> {
    let key = store.keys().get(id).await?;
    Ok(Json(key.ok_or_else(|| Problem::not_found("key", id))?.into()))
}

/// `POST /keys`, scope `admin`: creates a key and returns it, this once.
pub async fn create(State(store): State<Store>, body: Body<CreateKey>) -> Result<Created<CreatedKey>, Problem> {
    let created = make(&store, body.0).await?;
    Ok(Created {
        location: format!("/api/v1/keys/{}", created.stored.id),
        body: created,
    })
}

/// `POST /keys/{id}/revoke`, scope `admin`: revokes a key for good. WebSockets opened with it are closed at once.
pub async fn revoke(
    State(store): State<Store>,
    State(access): State<Access>,
    Path(id): Path<ApiKeyId>,
) -> Result<Json<KeyView>, Problem> {
    let revoked = store
        .write::<_, _, StoreError, _>(id, |tx, &id| async move { tx.keys().revoke(id).await }.boxed())
        .await?;
    let revoked = revoked.ok_or_else(|| Problem::not_found("key", id))?;
    access.note_revocation();
    Ok(Json(revoked.into()))
}

/// Creates a key and stores its hash. A problem if the name is empty or too long.
pub async fn make(store: &Store, wanted: CreateKey) -> Result<CreatedKey, Problem> {
    let name = wanted.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
        let detail = format!("a key's name has 1 to {MAX_NAME_CHARS} characters; choose another");
        return Err(Problem::wrong_field("/name", detail));
    }
    // Names are printed on terminals and in the audit log.
    if name.chars().any(char::is_control) || display_name::clean(&name) != Some(single_spaced(&name)) {
        let detail = "a key's name has no control characters and no marks that show nothing; leave them out";
        return Err(Problem::wrong_field("/name", detail));
    }
    let key = secret::new_key().map_err(|error| Problem::internal(&error))?;
    let stored = insert(store, name, wanted.scope, wanted.expires_at, &key).await?;
    Ok(CreatedKey {
        key,
        stored: stored.into(),
    })
}

fn single_spaced(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    words.join(" ")
}

/// Stores a key that was created elsewhere, such as the one in `admin.key`. A known key stays as it is, also a revoked
/// one.
pub async fn adopt(store: &Store, name: &str, scope: Scope, key: &str) -> Result<(), StoreError> {
    if store.keys().find(&secret::hash(key)).await?.is_none() {
        insert(store, name.to_owned(), scope, None, key).await?;
    }
    Ok(())
}

async fn insert(
    store: &Store,
    name: String,
    scope: Scope,
    expires_at: Option<Timestamp>,
    key: &str,
) -> Result<StoredApiKey, StoreError> {
    let new = NewApiKey {
        name,
        prefix: secret::shown(key).to_owned(),
        hash: secret::hash(key),
        scopes: vec![scope.as_str().to_owned()],
        accounts: None,
        expires_at,
    };
    store
        .write(new, |tx, new| async move { tx.keys().create(new).await }.boxed())
        .await
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
        }
    }
}
