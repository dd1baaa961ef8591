//! `/attributes`: definitions of customers' attributes.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::api::access::auth::Caller;
use crate::api::access::sight::{Path, Word};
use crate::api::http::answer::{Created, Keyed, Replay, Tagged};
use crate::api::http::encoding::in_path;
use crate::api::http::extract::Body;
use crate::api::http::problem::{Code, Problem};
use crate::api::http::tags::IfMatch;
use crate::api::http::takes::IdempotencyKey;
use crate::api::messages::idempotency;
use crate::bridge::{Answered, AttributeEdit, Desk};
use crate::contract::{AttributeView, EditAttribute, NewAttributeRequest, Page};
use crate::domain::attribute::{Attribute, AttributeName, MAX_DESCRIPTION_CHARS};
use crate::store::{AttributeChange, NewAttribute, Store};

/// `GET /attributes`, scope `read`: lists all definitions of customers' attributes by name. An attribute without a
/// definition is free: it takes any JSON.
pub async fn list(State(store): State<Store>) -> Result<Json<Page<AttributeView>>, Problem> {
    let known = store.attributes().list().await?;
    Ok(Json(Page::whole(known.into_iter().map(Into::into).collect())))
}

/// `GET /attributes/{name}`, scope `read`: returns a definition with its entity tag.
pub async fn view(State(store): State<Store>, Path(Word(name)): Path<Word>) -> Result<Tagged<AttributeView>, Problem> {
    Ok(tagged(called(&store, &named(&name)?).await?))
}

/// `POST /attributes`, scope `manage`: defines an attribute. From then on customers get only values of this kind;
/// values that they have already stay.
pub async fn create(
    State(desk): State<Desk>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    Body(request): Body<NewAttributeRequest>,
) -> Result<Keyed<Created<AttributeView>>, Problem> {
    let asked = idempotency(&caller, key, "/attributes ", &request)?;
    check(request.description.as_deref())?;
    let new = NewAttribute {
        name: request
            .name
            .parse()
            .map_err(|error| Problem::wrong_field("/name", format!("{error}")))?,
        kind: request.kind,
        choices: request.choices.unwrap_or_default(),
        description: request.description,
    };
    Ok(match desk.create_attribute(new, asked).await? {
        Answered::New(made) => Keyed::New(Created {
            location: place(&made.name),
            body: made.into(),
        }),
        Answered::Replayed(stored) => {
            let made = stored.response.parse::<AttributeView>().ok();
            let location = made.map(|made| place(&made.name));
            Keyed::Replayed(Replay::of(stored, location)?)
        }
    })
}

/// `PATCH /attributes/{name}`, scope `manage`: changes the choices and the description of a definition; values that
/// customers have stay. With `If-Match` it answers 412 if somebody has changed it since.
pub async fn edit(
    State(desk): State<Desk>,
    State(store): State<Store>,
    Path(Word(name)): Path<Word>,
    if_match: IfMatch,
    Body(request): Body<EditAttribute>,
) -> Result<Tagged<AttributeView>, Problem> {
    let name = named(&name)?;
    check(request.description.as_ref().and_then(Option::as_deref))?;
    let edit = AttributeEdit {
        change: AttributeChange {
            choices: request.choices,
            description: request.description,
        },
        expected: if_match.expected(revision(&store, &name)).await?,
    };
    Ok(tagged(desk.edit_attribute(name, edit).await?))
}

/// `DELETE /attributes/{name}`, scope `manage`: deletes a definition. The attribute is free from then on, and values that
/// customers have stay. With `If-Match` it answers 412 if somebody has changed it since.
pub async fn delete(
    State(desk): State<Desk>,
    State(store): State<Store>,
    Path(Word(name)): Path<Word>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let name = named(&name)?;
    let expected = if_match.expected(revision(&store, &name)).await?;
    desk.delete_attribute(name, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn revision(store: &Store, name: &AttributeName) -> Result<String, Problem> {
    Ok(called(store, name).await?.tag())
}

async fn called(store: &Store, name: &AttributeName) -> Result<Attribute, Problem> {
    let known = store.attributes().called(name).await?;
    known.ok_or_else(|| Problem::not_found("attribute", name.as_str()))
}

fn named(text: &str) -> Result<AttributeName, Problem> {
    text.parse()
        .map_err(|error| Problem::new(Code::InvalidPath, format!("{error}")))
}

fn check(description: Option<&str>) -> Result<(), Problem> {
    if description.is_some_and(|text| text.chars().count() > MAX_DESCRIPTION_CHARS || text.contains('\0')) {
        let detail = format!("a description has at most {MAX_DESCRIPTION_CHARS} characters, and no NUL");
        return Err(Problem::wrong_field("/description", detail));
    }
    Ok(())
}

fn place(name: &str) -> String {
    format!("/api/v1/attributes/{}", in_path(name))
}

fn tagged(attribute: Attribute) -> Tagged<AttributeView> {
    Tagged {
        tag: format!("\"{}\"", attribute.tag()),
        body: attribute.into(),
    }
}
