//! `/conversations`.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::accounts;
use super::extract::{Path, Query};
use super::pages::{self, Cursor, OrderWord, Paging};
use super::problem::Problem;
use crate::bridge::Desk;
use crate::domain::conversation::{ChatKind, Conversation, ConversationStatus};
use crate::domain::group::Group;
use crate::domain::{AccountId, ConversationId, CustomerId};
use crate::store::{ConversationFilter, Order, Store};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    limit: Option<u64>,
    after: Option<Cursor>,
    before: Option<Cursor>,
    order: Option<OrderWord>,
    /// By name or id; `account_id` by id alone.
    account: Option<String>,
    account_id: Option<AccountId>,
    customer_id: Option<CustomerId>,
    status: Option<ConversationStatus>,
    unread: Option<bool>,
}

/// Conversations, the one with the latest message first.
pub async fn list(State(store): State<Store>, uri: Uri, Query(list): Query<List>) -> Result<Response, Problem> {
    let paging = Paging {
        limit: list.limit,
        after: list.after,
        before: list.before,
        order: list.order,
    };
    let request = paging.request(Order::Descending)?;
    let named = accounts::wanted(&store, list.account.as_deref()).await?;
    let filter = ConversationFilter {
        account: named.or(list.account_id),
        customer: list.customer_id,
        status: list.status,
        unread: list.unread.unwrap_or(false),
    };
    let page = store.conversations(request, filter).await?;
    Ok(pages::answer(page, request.order, &uri))
}

/// A conversation; a group's with its picture and members.
#[derive(Serialize)]
pub struct View {
    #[serde(flatten)]
    conversation: Conversation,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    group: Option<Group>,
}

/// Whoever asks for one that has ended in another is shown the way there.
pub async fn view(State(store): State<Store>, Path(id): Path<ConversationId>) -> Result<Response, Problem> {
    let live = store.live_conversation(id).await?;
    let conversation = live.ok_or_else(|| Problem::not_found("conversation", id))?;
    if conversation.id != id {
        let location = format!("/api/v1/conversations/{}", conversation.id);
        return Ok((
            StatusCode::TEMPORARY_REDIRECT,
            [(header::LOCATION, location)],
            Json(json!({ "id": id, "merged_into": conversation.id })),
        )
            .into_response());
    }
    let group = match conversation.kind {
        ChatKind::Direct => None,
        ChatKind::Group => Some(store.group(id).await?.unwrap_or_default()),
    };
    Ok(Json(View { conversation, group }).into_response())
}

/// An agent has read it: nothing is unread any more, and the customer may see so.
pub async fn mark_read(
    State(desk): State<Desk>,
    Path(id): Path<ConversationId>,
) -> Result<Json<Conversation>, Problem> {
    Ok(Json(desk.mark_read(id).await?))
}
