//! Control of groups over HTTP.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Refused;
use crate::standin::messages::doings::Draft;
use crate::standin::net::service::Service;
use crate::standin::options::NewGroup;
use crate::standin::people::customer::Customer;
use crate::standin::people::group_handle::Group;
use crate::standin::people::place::Who;
use crate::standin::people::{CustomerId, GroupId, PhoneId};

type Answer = Result<Json<Value>, Refused>;

#[derive(Deserialize)]
struct Write {
    by: CustomerId,
    #[serde(flatten)]
    draft: Draft,
}

/// A customer's action on a message: their own, or, with `of` or `of_phone`, another's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct On {
    by: CustomerId,
    #[serde(default)]
    id: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    options: Vec<String>,
    of: Option<CustomerId>,
    of_phone: Option<PhoneId>,
}

/// Member who is added, removed or changed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    customer: Option<CustomerId>,
    phone: Option<PhoneId>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Change {
    subject: Option<String>,
    description: Option<String>,
    announce: Option<bool>,
    picture: Option<NewPicture>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPicture {
    mimetype: String,
    base64: String,
}

/// Returns the routes for groups.
pub(super) fn router() -> Router<Arc<Service>> {
    Router::new()
        .route("/groups", post(add))
        .route("/groups/{group}", get(record))
        .route("/groups/{group}/write", post(write))
        .route("/groups/{group}/{act}", post(act))
        .route("/groups/{group}/members/{what}", post(members))
        .route("/groups/{group}/change", post(change))
        .route("/groups/{group}/inbox/{customer}", get(inbox))
}

fn handle(service: &Arc<Service>, id: GroupId) -> Result<Group, Refused> {
    service.look(|world| world.known_group(id))?;
    Ok(Group::new(Arc::clone(service), id))
}

fn customer(service: &Arc<Service>, id: CustomerId) -> Result<Customer, Refused> {
    service.look(|world| world.known_customer(id))?;
    Ok(Customer::new(Arc::clone(service), id))
}

/// Returns the named customer or account of ours.
fn who(service: &Arc<Service>, of: Option<CustomerId>, phone: Option<PhoneId>) -> Result<Option<Who>, Refused> {
    service.look(|world| match (of, phone) {
        (Some(customer), _) => Ok(Some(Who::Customer(world.known_customer(customer)?))),
        (None, Some(phone)) => Ok(Some(Who::Phone(world.known_phone(phone)?))),
        (None, None) => Ok(None),
    })
}

async fn add(State(service): State<Arc<Service>>, Json(new): Json<NewGroup>) -> Answer {
    service.look(|world| {
        for customer in new.members.iter().chain(&new.made_by) {
            world.known_customer(*customer)?;
        }
        new.phones
            .iter()
            .try_for_each(|phone| world.known_phone(*phone).map(|_| ()))
    })?;
    let id = service.with(|world| world.add_group(new));
    record(State(service), Path(id)).await
}

async fn record(State(service): State<Arc<Service>>, Path(id): Path<GroupId>) -> Answer {
    handle(&service, id)?;
    let info = service.look(|world| world.group_info(id));
    Ok(Json(json!({ "id": id, "chat": info.id, "info": info })))
}

async fn write(State(service): State<Arc<Service>>, Path(id): Path<GroupId>, Json(body): Json<Write>) -> Answer {
    let by = customer(&service, body.by)?;
    Ok(Json(json!({ "ids": [handle(&service, id)?.send(&by, body.draft)] })))
}

async fn act(
    State(service): State<Arc<Service>>,
    Path((id, act)): Path<(GroupId, String)>,
    Json(on): Json<On>,
) -> Answer {
    let (group, by) = (handle(&service, id)?, customer(&service, on.by)?);
    let of = who(&service, on.of, on.of_phone)?.unwrap_or(Who::Customer(on.by));
    match act.as_str() {
        "edit" => group.edit(&by, &on.id, &on.text),
        "delete" => group.delete_of(&by, of, &on.id),
        "react" => group.react(&by, of, &on.id, &on.text),
        "vote" => group.vote(&by, &on.id, &on.options),
        "decrypt" => group.decrypt(&by, &on.id),
        "typing" => group.typing(&by, &on.text),
        _ => return Err(Refused::unknown("act")),
    }
    Ok(Json(json!({})))
}

async fn members(
    State(service): State<Arc<Service>>,
    Path((id, what)): Path<(GroupId, String)>,
    Json(member): Json<Member>,
) -> Answer {
    let group = handle(&service, id)?;
    let who = who(&service, member.customer, member.phone)?.ok_or_else(|| Refused::unknown("member"))?;
    match what.as_str() {
        "add" => group.add(who),
        "join" => group.join(who),
        "remove" => group.remove(who),
        "leave" => group.leave(who),
        "promote" => group.promote(who),
        "demote" => group.demote(who),
        _ => return Err(Refused::unknown("change of members")),
    }
    Ok(Json(json!({ "members": group.members() })))
}

async fn change(State(service): State<Arc<Service>>, Path(id): Path<GroupId>, Json(change): Json<Change>) -> Answer {
    let group = handle(&service, id)?;
    if let Some(picture) = change.picture {
        let bytes = STANDARD
            .decode(&picture.base64)
            .map_err(|_| Refused::unusable("base64"))?;
        group.set_picture(&picture.mimetype, bytes);
    }
    if let Some(subject) = change.subject {
        group.rename(&subject);
    }
    if let Some(description) = change.description {
        group.describe(&description);
    }
    if let Some(announce) = change.announce {
        group.set_announce(announce);
    }
    Ok(Json(json!({})))
}

async fn inbox(State(service): State<Arc<Service>>, Path((id, of)): Path<(GroupId, CustomerId)>) -> Answer {
    let member = customer(&service, of)?;
    Ok(Json(json!(handle(&service, id)?.inbox_of(&member))))
}
