//! `/templates`: texts that messages are made of. A template is changed under its name; `docs/templates.md` says what it may
//! contain.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::api::access::auth::Caller;
use crate::api::access::sight::{Path, Visible as _, Word};
use crate::api::http::answer::{Created, Keyed, Replay, Tagged};
use crate::api::http::encoding::in_path;
use crate::api::http::extract::Body;
use crate::api::http::listing::{Listed, Listing, NoFilter};
use crate::api::http::problem::Problem;
use crate::api::http::tags::IfMatch;
use crate::api::http::takes::IdempotencyKey;
use crate::api::messages::idempotency;
use crate::bridge::{Answered, Desk, PreviewFor, TemplateEdit};
use crate::contract::{EditTemplate, NewTemplateRequest, RawJson, RenderRequest, RenderedView, TemplateView};
use crate::domain::template::Template;
use crate::store::{Order, Store};

/// `GET /templates`, scope `read`: lists templates by id.
pub async fn list(State(store): State<Store>, list: Listing<NoFilter>) -> Result<Listed<TemplateView>, Problem> {
    let request = list.page(Order::Ascending);
    let page = store.templates().page(request).await?;
    Ok(list.answer(request, page))
}

/// `GET /templates/{name}`, scope `read`: returns a template with its revision as `ETag`.
pub async fn view(State(store): State<Store>, Path(Word(name)): Path<Word>) -> Result<Tagged<TemplateView>, Problem> {
    Ok(tagged(named(&store, &name).await?))
}

/// `POST /templates`, scope `manage`: creates a template.
pub async fn create(
    State(desk): State<Desk>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    Body(request): Body<NewTemplateRequest>,
) -> Result<Keyed<Created<TemplateView>>, Problem> {
    let idempotency = idempotency(&caller, key, "/templates ", &request)?;
    let created = desk.create_template(request.into(), caller.name, idempotency).await?;
    Ok(match created {
        Answered::New(template) => Keyed::New(Created {
            location: place(&template.draft.name),
            body: template.into(),
        }),
        Answered::Replayed(stored) => {
            let first: TemplateView = parsed(&stored.response)?;
            Keyed::Replayed(Replay::of(stored, Some(place(&first.name)))?)
        }
    })
}

/// `PATCH /templates/{name}`, scope `manage`: changes a template. With `If-Match` it answers 412 if somebody has changed it
/// since.
pub async fn edit(
    State(desk): State<Desk>,
    State(store): State<Store>,
    caller: Caller,
    Path(Word(name)): Path<Word>,
    if_match: IfMatch,
    Body(request): Body<EditTemplate>,
) -> Result<Tagged<TemplateView>, Problem> {
    let edit = TemplateEdit {
        name: request.name,
        description: request.description,
        body: request.body,
        fields: request
            .fields
            .map(|fields| fields.into_iter().map(Into::into).collect()),
        file: request.media.map(|media| media.map(Into::into)),
        expected: if_match.expected(revision(&store, &name)).await?,
    };
    Ok(tagged(desk.edit_template(name, edit, caller.name).await?))
}

/// `DELETE /templates/{name}`, scope `manage`: deletes a template. With `If-Match` it answers 412 if somebody has changed it
/// since.
pub async fn delete(
    State(desk): State<Desk>,
    State(store): State<Store>,
    Path(Word(name)): Path<Word>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let expected = if_match.expected(revision(&store, &name)).await?;
    desk.delete_template(name, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /templates/{name}/render`, scope `read`: returns what a template would send, and sends nothing.
pub async fn render(
    State(desk): State<Desk>,
    State(store): State<Store>,
    caller: Caller,
    Path(Word(name)): Path<Word>,
    Body(request): Body<RenderRequest>,
) -> Result<Json<RenderedView>, Problem> {
    let to = match (request.customer_id, request.conversation_id) {
        (Some(id), None) => {
            id.check(&store, &caller.sight).await?;
            PreviewFor::Customer(id)
        }
        (None, Some(id)) => {
            id.check(&store, &caller.sight).await?;
            PreviewFor::Conversation(id)
        }
        _ => {
            let detail = "give one of `customer_id` and `conversation_id`";
            return Err(Problem::wrong_field("/customer_id", detail));
        }
    };
    let by = (caller.name.as_str(), caller.agent);
    let rendered = desk
        .preview_template(&name, to, &request.fields, by, &caller.sight)
        .await?;
    Ok(Json(RenderedView {
        content: rendered.content,
        media: rendered.media.map(Into::into),
    }))
}

fn tagged(template: Template) -> Tagged<TemplateView> {
    Tagged {
        tag: format!("\"{}\"", template.tag()),
        body: template.into(),
    }
}

async fn named(store: &Store, name: &str) -> Result<Template, Problem> {
    let template = store.templates().named(name).await?;
    template.ok_or_else(|| Problem::not_found("template", name))
}

async fn revision(store: &Store, name: &str) -> Result<String, Problem> {
    Ok(named(store, name).await?.tag())
}

/// Returns the path of a template.
fn place(name: &str) -> String {
    format!("/api/v1/templates/{}", in_path(name))
}

fn parsed(answer: &RawJson) -> Result<TemplateView, Problem> {
    answer.parse().map_err(|error| Problem::internal(&error.into()))
}
