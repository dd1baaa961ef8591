//! `/conversations`: chats with customers and groups.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;

use super::desk::work::tagged;
use super::filters::{self, Place};
use super::http::answer::{Found, Tagged};
use super::http::extract::Path;
use super::http::listing::{Listed, Listing};
use super::http::problem::{Code, Problem};
use crate::bridge::Desk;
use crate::contract::{ConversationView, MovedView};
use crate::domain::conversation::{ChatKind, ConversationStatus};
use crate::domain::rights::Sight;
use crate::domain::{AccountId, AgentId, Clock, ConversationId, CustomerId, LabelId};
use crate::store::{ConversationFilter, Order, Store};

/// Filters of the list of conversations.
#[derive(Deserialize, JsonSchema)]
pub struct Filter {
    /// Account by name or id; `account_id` takes an id only.
    account: Option<String>,
    /// Account by id.
    account_id: Option<AccountId>,
    /// Customer of the chat.
    customer_id: Option<CustomerId>,
    /// State of the desk's work.
    status: Option<ConversationStatus>,
    /// Agent by id, or `none` for conversations that nobody has.
    #[schemars(with = "Option<String>")]
    assignee: Option<AssigneeParam>,
    /// Name of a label.
    label: Option<String>,
    /// Whether only those with unread messages are listed.
    unread: Option<bool>,
    /// Only conversations whose customer has waited for an answer at least this many seconds.
    waiting_seconds: Option<u32>,
}

/// Agent as a query parameter: an id, or `none`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct AssigneeParam(Option<AgentId>);

impl TryFrom<String> for AssigneeParam {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "none" {
            return Ok(Self(None));
        }
        let id = text.parse().map_err(|_| "give the id of an agent, or `none`")?;
        Ok(Self(Some(AgentId(id))))
    }
}

/// `GET /conversations`, scope `read`: lists conversations, the one with the latest message first.
pub async fn list(
    State(store): State<Store>,
    State(clock): State<Arc<dyn Clock>>,
    sight: Sight,
    list: Listing<Filter>,
) -> Result<Listed<ConversationView>, Problem> {
    let request = list.page(Order::Descending);
    let named = (list.filter.account.as_deref(), list.filter.account_id);
    let filter = ConversationFilter {
        account: filters::account(&store, &sight, Place::Query, named).await?,
        customer: filters::customer(&store, &sight, list.filter.customer_id).await?,
        status: list.filter.status,
        assignee: list.filter.assignee.map(|agent| agent.0),
        label: match &list.filter.label {
            Some(name) => Some(label_id(&store, name).await?),
            None => None,
        },
        unread: list.filter.unread.unwrap_or(false),
        waiting_since: list
            .filter
            .waiting_seconds
            .map(|seconds| clock.now().minus(Duration::from_secs(seconds.into()))),
    };
    let page = store.sights().conversations(&sight, request, filter).await?;
    Ok(list.answer(request, page))
}

/// Returns the id of a label; a problem if there is none of this name.
pub(super) async fn label_id(store: &Store, name: &str) -> Result<LabelId, Problem> {
    let unknown = || Problem::new(Code::InvalidQuery, format!("there is no label {name}")).at("/label");
    let name = name.parse().map_err(|_| unknown())?;
    let label = store.labels().called(&name).await?;
    Ok(label.ok_or_else(unknown)?.id)
}

/// `GET /conversations/{id}`, scope `read`: returns a conversation; a group's with its avatar and members. For a merged
/// conversation it answers 307 with the location of the surviving one.
pub async fn view(
    State(store): State<Store>,
    Path(id): Path<ConversationId>,
) -> Result<Found<Tagged<ConversationView>, ConversationId>, Problem> {
    let live = store.conversations().live(id).await?;
    let conversation = live.ok_or_else(|| Problem::not_found("conversation", id))?;
    if conversation.id != id {
        return Ok(Found::Moved {
            location: format!("/api/v1/conversations/{}", conversation.id),
            body: MovedView {
                id,
                merged_into: conversation.id,
            },
        });
    }
    let mut answer = tagged(conversation);
    if answer.body.kind == ChatKind::Group {
        answer.body.group = Some(store.groups().get(id).await?.unwrap_or_default().into());
    }
    Ok(Found::Here(answer))
}

/// `POST /conversations/{id}/read`, scope `send`: sets the unread count to zero. Sends the customer a read receipt if
/// the account's policy allows it.
pub async fn mark_read(
    State(desk): State<Desk>,
    Path(id): Path<ConversationId>,
) -> Result<Json<ConversationView>, Problem> {
    Ok(Json(desk.mark_read(id).await?.into()))
}
