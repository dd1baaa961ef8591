//! `/labels`: the labels that conversations and customers can have.

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
use crate::bridge::{Answered, Desk, LabelEdit};
use crate::contract::{EditLabel, LabelView, NewLabelRequest, Page};
use crate::domain::label::{Label, LabelName, MAX_DESCRIPTION_CHARS, is_color};
use crate::store::{LabelChange, NewLabel, Store};

/// `GET /labels`, scope `read`: lists all labels by name.
pub async fn list(State(store): State<Store>) -> Result<Json<Page<LabelView>>, Problem> {
    let labels = store.labels().list().await?;
    Ok(Json(Page::whole(labels.into_iter().map(Into::into).collect())))
}

/// `GET /labels/{name}`, scope `read`: returns a label with its entity tag.
pub async fn view(State(store): State<Store>, Path(Word(name)): Path<Word>) -> Result<Tagged<LabelView>, Problem> {
    Ok(tagged(called(&store, &named(&name)?).await?))
}

/// `POST /labels`, scope `manage`: creates a label.
pub async fn create(
    State(desk): State<Desk>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    Body(request): Body<NewLabelRequest>,
) -> Result<Keyed<Created<LabelView>>, Problem> {
    let asked = idempotency(&caller, key, "/labels ", &request)?;
    check(request.color.as_deref(), request.description.as_deref())?;
    let new = NewLabel {
        name: request
            .name
            .parse()
            .map_err(|error| Problem::wrong_field("/name", format!("{error}")))?,
        color: request.color,
        description: request.description,
    };
    Ok(match desk.create_label(new, asked).await? {
        Answered::New(label) => Keyed::New(Created {
            location: place(&label.name),
            body: label.into(),
        }),
        Answered::Replayed(stored) => {
            let location = stored
                .response
                .parse::<LabelView>()
                .ok()
                .map(|label| place(&label.name));
            Keyed::Replayed(Replay::of(stored, location)?)
        }
    })
}

/// `PATCH /labels/{name}`, scope `manage`: changes a label's colour and description. With `If-Match` it answers 412 if
/// somebody has changed it since.
pub async fn edit(
    State(desk): State<Desk>,
    State(store): State<Store>,
    Path(Word(name)): Path<Word>,
    if_match: IfMatch,
    Body(request): Body<EditLabel>,
) -> Result<Tagged<LabelView>, Problem> {
    let name = named(&name)?;
    check(
        request.color.as_ref().and_then(Option::as_deref),
        request.description.as_ref().and_then(Option::as_deref),
    )?;
    let expected = if_match.expected(revision(&store, &name)).await?;
    let change = LabelChange {
        color: request.color,
        description: request.description,
    };
    Ok(tagged(desk.edit_label(name, LabelEdit { change, expected }).await?))
}

/// `DELETE /labels/{name}`, scope `manage`: deletes a label and takes it off all conversations and customers. With
/// `If-Match` it answers 412 if somebody has changed it since.
pub async fn delete(
    State(desk): State<Desk>,
    State(store): State<Store>,
    Path(Word(name)): Path<Word>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let name = named(&name)?;
    let expected = if_match.expected(revision(&store, &name)).await?;
    desk.delete_label(name, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn called(store: &Store, name: &LabelName) -> Result<Label, Problem> {
    let label = store.labels().called(name).await?;
    label.ok_or_else(|| Problem::not_found("label", name.as_str()))
}

async fn revision(store: &Store, name: &LabelName) -> Result<String, Problem> {
    Ok(called(store, name).await?.updated_at.0.to_string())
}

/// Parses the name of a label in a path.
pub fn named(text: &str) -> Result<LabelName, Problem> {
    text.parse()
        .map_err(|error| Problem::new(Code::InvalidPath, format!("{error}")))
}

/// Parses the name of a label in the field `label` of a command.
pub fn named_in_command(text: &str) -> Result<LabelName, Problem> {
    text.parse()
        .map_err(|error| Problem::wrong_field("/label", format!("{error}")))
}

fn check(color: Option<&str>, description: Option<&str>) -> Result<(), Problem> {
    if color.is_some_and(|color| !is_color(color)) {
        let detail = "a colour is `#` and six hexadecimal digits, such as `#1a7f37`";
        return Err(Problem::wrong_field("/color", detail));
    }
    if description.is_some_and(|text| text.chars().count() > MAX_DESCRIPTION_CHARS || text.contains('\0')) {
        let detail = format!("a description has at most {MAX_DESCRIPTION_CHARS} characters, and no NUL");
        return Err(Problem::wrong_field("/description", detail));
    }
    Ok(())
}

fn place(name: &str) -> String {
    format!("/api/v1/labels/{}", in_path(name))
}

fn tagged(label: Label) -> Tagged<LabelView> {
    Tagged {
        tag: format!("\"{}\"", label.updated_at.0),
        body: label.into(),
    }
}
