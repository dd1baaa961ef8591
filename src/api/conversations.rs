//! `/conversations`: chats with customers and groups.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::accounts;
use super::http::answer::Found;
use super::http::extract::Path;
use super::http::listing::{Listed, Listing};
use super::http::problem::Problem;
use crate::bridge::Desk;
use crate::contract::{ConversationView, MovedView};
use crate::domain::conversation::{ChatKind, ConversationStatus};
use crate::domain::{AccountId, ConversationId, CustomerId};
use crate::store::{ConversationFilter, Order, Store};

/// Filters of the list of conversations.
#[derive(Deserialize)]
pub struct Filter {
    /// Account by name or id; `account_id` takes an id only.
    account: Option<String>,
    account_id: Option<AccountId>,
    customer_id: Option<CustomerId>,
    status: Option<ConversationStatus>,
    unread: Option<bool>,
}

/// `GET /conversations`, scope `read`: lists conversations, the one with the latest message first.
pub async fn list(State(store): State<Store>, list: Listing<Filter>) -> Result<Listed<ConversationView>, Problem> {
    let request = list.page(Order::Descending)?;
    let named = accounts::wanted(&store, list.filter.account.as_deref()).await?;
    let filter = ConversationFilter {
        account: named.or(list.filter.account_id),
        customer: list.filter.customer_id,
        status: list.filter.status,
        unread: list.filter.unread.unwrap_or(false),
    };
    let page = store.conversations().page(request, filter).await?;
    Ok(list.answer(request, page))
}

/// `GET /conversations/{id}`, scope `read`: returns a conversation; a group's with its avatar and members. For a merged
/// conversation it answers 307 with the location of the surviving one.
pub async fn view(
    State(store): State<Store>,
    Path(id): Path<ConversationId>,
) -> Result<Found<Json<ConversationView>, ConversationId>, Problem> {
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
    let mut view = ConversationView::from(conversation);
    if view.kind == ChatKind::Group {
        view.group = Some(store.groups().get(id).await?.unwrap_or_default().into());
    }
    Ok(Found::Here(Json(view)))
}

/// `POST /conversations/{id}/read`, scope `send`: sets the unread count to zero. Sends the customer a read receipt if
/// the account's policy allows it.
pub async fn mark_read(
    State(desk): State<Desk>,
    Path(id): Path<ConversationId>,
) -> Result<Json<ConversationView>, Problem> {
    Ok(Json(desk.mark_read(id).await?.into()))
}
