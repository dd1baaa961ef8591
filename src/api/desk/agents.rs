//! `/agents`: the people who answer customers, and what each of them may do.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::access::Access;
use crate::api::access::auth::Caller;
use crate::api::http::answer::{Created, Keyed, Replay, Tagged};
use crate::api::http::extract::{Body, Path};
use crate::api::http::listing::{Listed, Listing};
use crate::api::http::problem::Problem;
use crate::api::http::tags::IfMatch;
use crate::api::http::takes::IdempotencyKey;
use crate::api::messages::idempotency;
use crate::bridge::{AgentEdit, AgentRequest, Answered, Desk};
use crate::contract::{AgentView, EditAgent, NewAgent};
use crate::domain::AgentId;
use crate::domain::agent::Agent;
use crate::store::{Order, Store};

/// Filters of the list of agents.
#[derive(Deserialize, JsonSchema)]
pub struct Filter {
    /// Only agents who are active, or only those who are not.
    active: Option<bool>,
}

/// `GET /agents`, scope `read`: lists agents by id, also deactivated ones.
pub async fn list(State(store): State<Store>, list: Listing<Filter>) -> Result<Listed<AgentView>, Problem> {
    let request = list.page(Order::Ascending);
    let page = store.agents().page(request, list.filter.active).await?;
    Ok(list.answer(request, page))
}

/// `GET /agents/{id}`, scope `read`: returns an agent, with their revision as `ETag`.
pub async fn view(State(store): State<Store>, Path(id): Path<AgentId>) -> Result<Tagged<AgentView>, Problem> {
    Ok(tagged(agent(&store, id).await?))
}

/// `POST /agents`, scope `admin`: adds an agent.
pub async fn create(
    State(desk): State<Desk>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    Body(new): Body<NewAgent>,
) -> Result<Keyed<Created<AgentView>>, Problem> {
    let idempotency = idempotency(&caller, key, "agents", &new)?;
    let request = AgentRequest {
        name: new.name,
        matrix_user: new.matrix_user,
        role: new.role.unwrap_or_default(),
        accounts: new.accounts,
        signature: new.signature,
        time_zone: new.time_zone,
        idempotency,
    };
    let place = |id: AgentId| format!("/api/v1/agents/{id}");
    Ok(match desk.create_agent(request).await? {
        Answered::New(agent) => Keyed::New(Created {
            location: place(agent.id),
            body: agent.into(),
        }),
        Answered::Replayed(stored) => {
            let location = stored.response.parse().ok().map(|Place { id }| place(id));
            Keyed::Replayed(Replay::of(stored, location)?)
        }
    })
}

/// The id in a stored answer, whichever version wrote that answer.
#[derive(Deserialize)]
struct Place {
    id: AgentId,
}

/// `PATCH /agents/{id}`, scope `admin`: changes an agent, deactivates or activates them. With `If-Match` it answers 412 if
/// somebody has changed them since. What they had open ends at once if they lose a right.
pub async fn edit(
    State(desk): State<Desk>,
    State(store): State<Store>,
    State(access): State<Access>,
    Path(id): Path<AgentId>,
    if_match: IfMatch,
    Body(edit): Body<EditAgent>,
) -> Result<Tagged<AgentView>, Problem> {
    let revision = async { Ok::<_, Problem>(agent(&store, id).await?.revision()) };
    let expected = if_match.expected(revision).await?;
    let edit = AgentEdit {
        name: edit.name,
        matrix_user: edit.matrix_user,
        role: edit.role,
        accounts: edit.accounts,
        active: edit.active,
        signature: edit.signature,
        time_zone: edit.time_zone,
        expected,
    };
    let changed = desk.edit_agent(id, edit).await?;
    access.note_revocation();
    Ok(tagged(changed))
}

async fn agent(store: &Store, id: AgentId) -> Result<Agent, Problem> {
    let agent = store.agents().get(id).await?;
    agent.ok_or_else(|| Problem::not_found("agent", id))
}

fn tagged(agent: Agent) -> Tagged<AgentView> {
    Tagged {
        tag: format!("\"{}\"", agent.revision()),
        body: agent.into(),
    }
}
