//! Notes of colleagues about a conversation.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::api::access::auth::Caller;
use crate::api::access::sight::Path;
use crate::api::http::answer::{Created, Keyed, Replay};
use crate::api::http::extract::Body;
use crate::api::http::listing::{Listed, Listing, NoFilter};
use crate::api::http::problem::Problem;
use crate::api::http::takes::IdempotencyKey;
use crate::api::messages::idempotency;
use crate::bridge::{Answered, Desk, NewNote};
use crate::contract::{NoteRequest, NoteView};
use crate::domain::{ConversationId, NoteId};
use crate::store::{Order, Store};

/// `GET /conversations/{id}/notes`, scope `read`: lists the notes of a conversation, the oldest first.
pub async fn list(
    State(store): State<Store>,
    Path(id): Path<ConversationId>,
    list: Listing<NoFilter>,
) -> Result<Listed<NoteView>, Problem> {
    let request = list.page(Order::Ascending);
    let live = store.conversations().live(id).await?;
    let live = live.ok_or_else(|| Problem::not_found("conversation", id))?;
    let page = store.notes().page(request, live.id).await?;
    Ok(list.answer(request, page))
}

/// `GET /notes/{id}`, scope `read`: returns a note.
pub async fn view(State(store): State<Store>, Path(id): Path<NoteId>) -> Result<Json<NoteView>, Problem> {
    let note = store.notes().get(id).await?;
    Ok(Json(note.ok_or_else(|| Problem::not_found("note", id))?.into()))
}

/// `POST /conversations/{id}/notes`, scope `send`: writes a note.
pub async fn create(
    State(desk): State<Desk>,
    caller: Caller,
    Path(id): Path<ConversationId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(request): Body<NoteRequest>,
) -> Result<Keyed<Created<NoteView>>, Problem> {
    write(&desk, &caller, id, request, key).await
}

/// Writes a note. REST and the WebSocket share this code, and so the idempotency keys.
pub async fn write(
    desk: &Desk,
    caller: &Caller,
    conversation: ConversationId,
    request: NoteRequest,
    key: Option<String>,
) -> Result<Keyed<Created<NoteView>>, Problem> {
    let place = format!("/conversations/{conversation}/notes ");
    let idempotency = idempotency(caller, key, &place, &request)?;
    let new = NewNote {
        conversation,
        content: request.content,
        author: caller.author(),
        idempotency,
    };
    let place = |id: NoteId| format!("/api/v1/notes/{id}");
    Ok(match desk.note(new).await? {
        Answered::New(note) => Keyed::New(Created {
            location: place(note.id),
            body: note.into(),
        }),
        Answered::Replayed(stored) => {
            let location = stored.response.parse::<NoteView>().ok().map(|note| place(note.id));
            Keyed::Replayed(Replay::of(stored, location)?)
        }
    })
}

/// `DELETE /notes/{id}`, scope `send`: deletes a note.
pub async fn delete(State(desk): State<Desk>, Path(id): Path<NoteId>) -> Result<StatusCode, Problem> {
    desk.delete_note(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
