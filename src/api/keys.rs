//! `/keys`: made, listed, revoked. A key is told once, at its making.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};

use super::extract::{Body, Path};
use super::problem::Problem;
use super::scope::Scope;
use super::secret;
use crate::domain::{ApiKeyId, Timestamp};
use crate::store::{NewApiKey, Store, StoreError, StoredApiKey};

/// Longest name of a key, in characters.
const MAX_NAME_CHARS: usize = 100;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CreateKey {
    pub name: String,
    pub scope: Scope,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A key at its making.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CreatedKey {
    /// The key itself, never told again.
    pub key: String,
    #[serde(flatten)]
    pub stored: StoredApiKey,
}

pub async fn list(State(store): State<Store>) -> Result<Json<serde_json::Value>, Problem> {
    let keys = store.api_keys().await?;
    Ok(Json(
        serde_json::json!({ "data": keys, "next_cursor": null, "has_more": false }),
    ))
}

pub async fn create(State(store): State<Store>, body: Body<CreateKey>) -> Result<Response, Problem> {
    let created = make(&store, body.0).await?;
    let location = format!("/api/v1/keys/{}", created.stored.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(created)).into_response())
}

pub async fn revoke(State(store): State<Store>, Path(id): Path<ApiKeyId>) -> Result<Json<StoredApiKey>, Problem> {
    let revoked = store
        .write::<_, StoreError, _>(move |tx| async move { tx.revoke_api_key(id).await }.boxed())
        .await?;
    revoked.map(Json).ok_or_else(|| Problem::not_found("key", id))
}

/// Makes a key and stores its hash.
pub async fn make(store: &Store, wanted: CreateKey) -> Result<CreatedKey, Problem> {
    let name = wanted.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
        let detail = format!("a key's name has 1 to {MAX_NAME_CHARS} characters; choose another");
        return Err(Problem::wrong_field("/name", detail));
    }
    let key = secret::new_key().map_err(|error| Problem::internal(&error))?;
    let stored = insert(store, name, wanted.scope, wanted.expires_at, &key).await?;
    Ok(CreatedKey { key, stored })
}

/// Lets a key in that was made elsewhere; one that is known, revoked or not, stays as it is.
pub async fn adopt(store: &Store, name: &str, scope: Scope, key: &str) -> Result<(), StoreError> {
    if store.api_key(&secret::hash(key)).await?.is_none() {
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
        .write(move |tx| {
            let new = new.clone();
            async move { tx.create_api_key(&new).await }.boxed()
        })
        .await
}
