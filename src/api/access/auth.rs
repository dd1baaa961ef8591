//! Authentication and authorisation: `Authorization: Bearer crm_…`. Every use of an audited operation is written to the
//! audit log before it happens. If the audit log cannot be written, requests that only read are still allowed and are
//! noted in the server's own log instead: it must stay possible to inspect and back up a database that is full.

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::{Access, audit, secret};
use crate::api::http::problem::{Code, Problem};
use crate::api::http::request_id::RequestId;
use crate::bridge::AuditLine;
use crate::contract::Scope;
use crate::domain::export::ExportJob;
use crate::domain::message::{Author, Origin};
use crate::domain::rights::Sight;
use crate::domain::{AgentId, ApiKeyId, Clock, Operation, OwnerId, Timestamp, rights};
use crate::store::{KeyHolder, StoreError};

/// The holder of a valid key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Id of the key.
    pub key: ApiKeyId,
    hash: [u8; 32],
    /// Owner of what is done with the key; idempotency keys belong to it (rule 25).
    pub owner: OwnerId,
    /// Agent as whom the key acts.
    pub agent: Option<AgentId>,
    /// Name of the agent or else of the key, which is the author's name of the messages sent with it.
    pub name: String,
    /// Greatest scope of the key, and no greater than the agent's role.
    pub scope: Scope,
    /// The face through which the caller acts: the shell or the API.
    pub origin: Origin,
    /// Time after which the key is refused.
    pub expires_at: Option<Timestamp>,
    /// Sight of the caller: the accounts that key and agent are limited to.
    pub sight: Sight,
}

impl Caller {
    /// Returns the caller of a request. A problem (401) if there is none.
    pub fn of(parts: &Parts) -> Result<&Self, Problem> {
        parts.extensions.get::<Self>().ok_or_else(no_key)
    }

    /// Returns the author of a message that this caller sends.
    pub fn author(&self) -> Author {
        Author {
            origin: Some(self.origin),
            name: self.name.clone(),
        }
    }

    /// Returns how the audit log names the caller.
    pub fn actor(&self) -> String {
        match self.agent {
            Some(agent) => format!("agent {agent} ({}), key {}", self.name, self.key),
            None => format!("key {} ({})", self.key, self.name),
        }
    }

    /// Returns whether the caller may see an export: their own, or with scope `manage` anybody's, with nothing in its file that
    /// they do not see.
    pub fn sees_export(&self, job: &ExportJob) -> bool {
        let is_theirs = job.order.owner == self.owner || self.scope >= Scope::Manage;
        is_theirs && self.sight.covers(&job.order.sight)
    }

    /// Waits until the key expires.
    pub async fn expiry(&self, clock: &dyn Clock) {
        match self.expires_at {
            Some(end) => clock.sleep(end.since(clock.now())).await,
            None => std::future::pending().await,
        }
    }

    fn has_rights_of(&self, other: &Self) -> bool {
        self.scope == other.scope && self.sight == other.sight
    }

    /// Returns a problem (403) unless the caller may do this.
    pub fn may(&self, operation: Operation) -> Result<(), Problem> {
        let needed = operation.scope();
        if self.scope < needed {
            let (has, whose) = (
                self.scope,
                if self.agent.is_some() {
                    "key or its agent"
                } else {
                    "key"
                },
            );
            let detail = format!("the {whose} has the scope `{has}` and this needs `{needed}`; use another key");
            return Err(Problem::new(Code::ScopeMissing, detail));
        }
        if operation.is_of_all_accounts() && !self.sight.is_whole() {
            let detail = match operation {
                Operation::CreateCustomer => {
                    "the key is limited to some accounts, and a customer without a conversation is of none; write to them \
                     (POST /api/v1/messages with `to`), then set their name, or use another key"
                }
                _ => "the key is limited to some accounts and this concerns all; use another key",
            };
            return Err(Problem::new(Code::AccountBound, detail));
        }
        Ok(())
    }
}

impl Access {
    /// Returns the holder of `key`. A problem (401) if the key is unknown, expired or revoked.
    pub async fn caller(&self, key: &str, origin: Origin) -> Result<Caller, Problem> {
        let refused = || {
            Problem::new(
                Code::Unauthenticated,
                "the key is unknown, expired or revoked; make a new one with `crm key create`",
            )
        };
        if !secret::is_key(key) {
            return Err(refused());
        }
        let hash = secret::hash(key);
        let holder = self.key(hash).await?.ok_or_else(refused)?;
        let caller = self.admit(&holder, hash, origin).ok_or_else(refused)?;
        self.touch(&holder.key);
        Ok(caller)
    }

    /// Returns the caller that holds this key; `None` if the key, or the agent as whom it acts, has none of its rights now.
    fn admit(&self, holder: &KeyHolder, hash: [u8; 32], origin: Origin) -> Option<Caller> {
        let KeyHolder { key, agent } = holder;
        if !key.is_valid(self.clock.now()) || agent.as_ref().is_some_and(|agent| !agent.is_active()) {
            return None;
        }
        let scope = Scope::greatest(&key.scopes)?;
        let scope = agent.as_ref().map_or(scope, |agent| scope.min(agent.role.scope()));
        let of_agent = agent.as_ref().and_then(|agent| agent.accounts.as_deref());
        let sight = Sight::of(rights::within(key.accounts.as_deref(), of_agent), key.owner());
        Some(Caller {
            key: key.id,
            hash,
            owner: key.owner(),
            agent: key.agent,
            name: agent.as_ref().map_or(&key.name, |agent| &agent.name).clone(),
            scope,
            origin,
            expires_at: key.expires_at,
            sight: sight.hiding_numbers(self.hide_numbers && scope < Scope::Manage),
        })
    }

    /// Returns the caller as they are named now, if they still have exactly their rights; a WebSocket checks this at each
    /// heartbeat and command, and when a key or an agent was changed.
    pub async fn renewed(&self, caller: &Caller) -> Result<Option<Caller>, StoreError> {
        let holder = self.store.keys().holder(&caller.hash).await?;
        let now = holder.and_then(|holder| self.admit(&holder, caller.hash, caller.origin));
        Ok(now.filter(|now| now.has_rights_of(caller)))
    }

    /// Returns whether the caller still has exactly their rights.
    pub async fn is_still_valid(&self, caller: &Caller) -> Result<bool, StoreError> {
        Ok(self.renewed(caller).await?.is_some())
    }
}

/// Returns the key in the `Authorization` header.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// Returns the face behind a request, from its `User-Agent`. The client could forge it, but only the author's label
/// depends on it.
pub fn origin(headers: &HeaderMap) -> Origin {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    if agent.is_some_and(|agent| agent.starts_with(crate::api::SHELL_AGENT)) {
        Origin::Shell
    } else {
        Origin::Api
    }
}

/// Layer that answers 401 to requests without a valid key, and 429 to those of a key that has asked too often. Gives the
/// others their [`Caller`], and breaks off what is still being answered when the key ends.
pub async fn authenticate(State(access): State<Access>, mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    let Some(key) = bearer(headers) else {
        return no_key().into_response();
    };
    // Before the check, so that no revocation falls between the two.
    let revoked = access.revoked();
    match access.caller(key, origin(headers)).await {
        Ok(caller) => {
            let counted = access.rates().count(caller.key, !request.method().is_safe());
            let (mut response, left) = match counted {
                Ok(left) => {
                    request.extensions_mut().insert(caller.clone());
                    let answer = next.run(request).await;
                    (access.bound_to_key(caller, revoked, answer), left)
                }
                Err(refused) => (refused.0.into_response(), refused.1),
            };
            left.tell(response.headers_mut());
            response
        }
        Err(problem) => problem.into_response(),
    }
}

/// Layer that checks the right to an operation, and writes the audit log for those that are audited.
pub async fn require(State((access, operation)): State<(Access, Operation)>, request: Request, next: Next) -> Response {
    let audited = match allow(operation, &request) {
        Ok(entry) => match entry {
            Some(entry) if request.method().is_safe() => {
                if !is_repeated_wait(&access, operation, &entry, request.headers()) {
                    access.note(entry).await;
                }
                Ok(())
            }
            Some(entry) => access.record(entry).await.map_err(Problem::from),
            None => Ok(()),
        },
        Err(problem) => Err(problem),
    };
    match audited {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Returns whether a request only goes on waiting for what its key has asked for already. A client that waits asks again
/// and again, and one line in `WAIT_NOTED_EVERY` says as much as all of them. A session alone can be waited for so: elsewhere
/// the header means nothing, and hides nothing.
fn is_repeated_wait(access: &Access, operation: Operation, entry: &AuditLine, headers: &HeaderMap) -> bool {
    if operation != Operation::LinkAccount {
        return false;
    }
    let waits = headers.get_all("prefer").iter();
    let waits = waits
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("wait="));
    waits && access.is_repeated((entry.actor.clone(), entry.subject.clone()))
}

/// Checks the right, and returns the audit line if the operation needs one.
fn allow(operation: Operation, request: &Request) -> Result<Option<AuditLine>, Problem> {
    let extensions = request.extensions();
    let caller = extensions.get::<Caller>().ok_or_else(no_key)?;
    caller.may(operation)?;
    let route = extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let id = extensions.get::<RequestId>().cloned().unwrap_or_default();
    let action = format!("{} {route}", request.method());
    let subject = request.uri().path().to_owned();
    Ok(audit::line(caller, operation, action, subject, id.as_str()))
}

fn no_key() -> Problem {
    Problem::new(
        Code::Unauthenticated,
        "there is no key; send it as `Authorization: Bearer crm_…`",
    )
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(parts).cloned()
    }
}
