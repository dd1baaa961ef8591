//! Checks what a caller gets to see. [`Path`] asks it for every id in a path, so that no handler has to; a list passes the caller's
//! [`Sight`] to the store. What a caller may not see is answered as if it were not there.

use std::fmt::Display;

use axum::extract::{FromRef, FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::auth::Caller;
use crate::api::http::problem::{Code, Problem};
use crate::domain::rights::Sight;
use crate::domain::{
    AccountId, AgentId, ApiKeyId, ConversationId, CustomerId, ExportId, MediaId, MergeId, MessageId, NoteId,
};
use crate::store::{Store, StoreError};

/// Something that a path names.
pub trait Visible: Sync {
    /// Returns the problem (404) of it, unless the sight has it. What does not exist may pass: its handler says so.
    fn check(&self, store: &Store, sight: &Sight) -> impl Future<Output = Result<(), Problem>> + Send;
}

/// Name or id of an account, in a path.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct AccountPath(pub String);

/// A word in a path that names nothing of a customer's.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Word(pub String);

fn unless(is_seen: Result<bool, StoreError>, what: &str, which: impl Display) -> Result<(), Problem> {
    if is_seen? {
        Ok(())
    } else {
        Err(Problem::not_found(what, which))
    }
}

impl Visible for CustomerId {
    async fn check(&self, store: &Store, sight: &Sight) -> Result<(), Problem> {
        unless(store.sights().customer(sight, *self).await, "customer", self)
    }
}

impl Visible for ConversationId {
    async fn check(&self, store: &Store, sight: &Sight) -> Result<(), Problem> {
        unless(store.sights().conversation(sight, *self).await, "conversation", self)
    }
}

impl Visible for MessageId {
    async fn check(&self, store: &Store, sight: &Sight) -> Result<(), Problem> {
        unless(store.sights().message(sight, *self).await, "message", self)
    }
}

impl Visible for NoteId {
    async fn check(&self, store: &Store, sight: &Sight) -> Result<(), Problem> {
        let note = store.notes().get(*self).await?;
        match note {
            Some(note) => unless(
                store.sights().conversation(sight, note.conversation_id).await,
                "note",
                self,
            ),
            None => Ok(()),
        }
    }
}

impl Visible for MediaId {
    async fn check(&self, store: &Store, sight: &Sight) -> Result<(), Problem> {
        unless(store.sights().medium(sight, *self).await, "medium", self)
    }
}

impl Visible for ExportId {
    async fn check(&self, store: &Store, sight: &Sight) -> Result<(), Problem> {
        match store.exports().get(*self).await? {
            // Its file has what the one who asked saw then.
            Some(job) => unless(Ok(sight.covers(&job.order.sight)), "export", self),
            None => Ok(()),
        }
    }
}

impl Visible for MergeId {
    async fn check(&self, store: &Store, sight: &Sight) -> Result<(), Problem> {
        unless(store.sights().merge(sight, *self).await, "merge", self)
    }
}

impl Visible for AccountId {
    async fn check(&self, _: &Store, sight: &Sight) -> Result<(), Problem> {
        unless(Ok(sight.sees(*self)), "account", self)
    }
}

impl Visible for AccountPath {
    async fn check(&self, store: &Store, sight: &Sight) -> Result<(), Problem> {
        if sight.is_whole() {
            return Ok(());
        }
        let account = store.accounts().called(&self.0).await;
        let is_seen = account.map(|account| account.is_some_and(|account| sight.sees(account.id)));
        unless(is_seen, "account", &self.0)
    }
}

/// These belong to no customer: who may ask for them at all sees all of them.
macro_rules! visible_to_all {
    ($($id:ty),+) => {$(
        impl Visible for $id {
            async fn check(&self, _: &Store, _: &Sight) -> Result<(), Problem> {
                Ok(())
            }
        }
    )+};
}
visible_to_all!(AgentId, ApiKeyId, Word);

impl<A: Visible + Send, B: Visible + Send> Visible for (A, B) {
    async fn check(&self, store: &Store, sight: &Sight) -> Result<(), Problem> {
        self.0.check(store, sight).await?;
        self.1.check(store, sight).await
    }
}

/// Returns whether a text is an id as we write them: digits without a sign or a zero in front, so that a thing has one path.
fn is_id(text: &str) -> bool {
    let is_padded = text.len() > 1 && text.starts_with('0');
    !text.is_empty() && !is_padded && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn no_id() -> Problem {
    let detail = "an id in the path is not one of ours; ids are numbers, as the lists give them";
    Problem::new(Code::InvalidPath, detail)
}

/// Path parameters, which the caller sees.
pub struct Path<T>(pub T);

impl<S, T> FromRequestParts<S> for Path<T>
where
    S: Send + Sync,
    Store: FromRef<S>,
    T: DeserializeOwned + Send + Visible,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let raw = RawPathParams::from_request_parts(parts, state).await;
        let is_wrong = |(name, text): (&str, &str)| (name == "id" || name.ends_with("_id")) && !is_id(text);
        if raw.is_ok_and(|raw| raw.iter().any(is_wrong)) {
            return Err(no_id());
        }
        let axum::extract::Path(value) = axum::extract::Path::<T>::from_request_parts(parts, state)
            .await
            .map_err(|_| no_id())?;
        let caller = Caller::of(parts)?;
        value.check(&Store::from_ref(state), &caller.sight).await?;
        Ok(Self(value))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Sight {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Caller::of(parts)?.sight.clone())
    }
}
