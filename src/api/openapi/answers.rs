//! The statuses, headers and bodies of each answer.

use std::marker::PhantomData;

use axum::Json;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde_json::{Value, json};

use super::operation::{Draft, Output};
use crate::api::http::answer::{Accepted, Created, Found, InTime, Keyed, Tagged, Unless};
use crate::api::http::listing::Listed;
use crate::api::http::problem::Problem;
use crate::contract::{
    AssignCommand, ClientFrame, DeleteCommand, EditCommand, FilterRequest, ForwardCommand, Identify, LabelCommand,
    MarkReadCommand, MessageCommand, MovedView, NoteCommand, Page, ReactCommand, SendRequest, ServerFrame,
    StatusCommand, TypingCommand,
};

/// An answer that its handler puts together itself; `D` describes it.
pub struct Shaped<D>(Response, PhantomData<D>);

impl<D> From<Response> for Shaped<D> {
    fn from(response: Response) -> Self {
        Self(response, PhantomData)
    }
}

impl<D> IntoResponse for Shaped<D> {
    fn into_response(self) -> Response {
        self.0
    }
}

impl<D: Output> Output for Shaped<D> {
    fn describe(draft: &mut Draft<'_>) {
        D::describe(draft);
    }
}

impl<T: Output> Output for Result<T, Problem> {
    fn describe(draft: &mut Draft<'_>) {
        T::describe(draft);
    }
}

impl<T: JsonSchema> Output for Json<T> {
    fn describe(draft: &mut Draft<'_>) {
        draft.json::<T>(200, "Done; the body says how it is.");
    }
}

/// An answer without a body: that something is gone, or was begun.
impl Output for StatusCode {
    fn describe(draft: &mut Draft<'_>) {
        if draft.method == Method::DELETE {
            draft.answer(204, "Deleted.");
        } else {
            draft.answer(202, "Begun.");
        }
    }
}

/// Whether the server is ready.
impl<T: JsonSchema> Output for (StatusCode, Json<T>) {
    fn describe(draft: &mut Draft<'_>) {
        draft.json::<T>(200, "It does.");
        draft.json::<T>(503, "It does not.");
    }
}

impl<T: JsonSchema> Output for Created<T> {
    fn describe(draft: &mut Draft<'_>) {
        draft.json::<T>(201, "Created.").headers.push("Location");
    }
}

impl<T: JsonSchema> Output for Accepted<T> {
    fn describe(draft: &mut Draft<'_>) {
        let answer = draft.json::<T>(202, "Accepted; events tell how it goes on.");
        answer.headers.push("Location");
        if draft.path.starts_with("/api/v1/messages/") {
            draft
                .answer(202, "Accepted; events tell how it goes on.")
                .headers
                .push("ETag");
        }
    }
}

impl<T: Output> Output for Keyed<T> {
    fn describe(draft: &mut Draft<'_>) {
        T::describe(draft);
        draft.takes("Idempotency-Key");
        draft.header_of_success("Idempotent-Replayed");
        draft.problems(&[400, 409, 422]);
    }
}

impl<T: Output, Id: JsonSchema> Output for Found<T, Id> {
    fn describe(draft: &mut Draft<'_>) {
        T::describe(draft);
        let moved = draft.json::<MovedView<Id>>(307, "Merged; the survivor is at the location.");
        moved.headers.push("Location");
    }
}

impl<T: JsonSchema> Output for Tagged<T> {
    fn describe(draft: &mut Draft<'_>) {
        draft
            .json::<T>(200, "Done; the body says how it is.")
            .headers
            .push("ETag");
    }
}

impl<T: JsonSchema> Output for Unless<T> {
    fn describe(draft: &mut Draft<'_>) {
        Tagged::<T>::describe(draft);
        draft.takes("If-None-Match");
        draft.answer(304, "As it was.").headers.push("ETag");
    }
}

impl<T: JsonSchema, L: JsonSchema> Output for InTime<T, L> {
    fn describe(draft: &mut Draft<'_>) {
        draft.json::<T>(200, "Done within the time that the caller waits.");
        Accepted::<L>::describe(draft);
    }
}

impl<T: JsonSchema> Output for Listed<T> {
    fn describe(draft: &mut Draft<'_>) {
        draft.json::<Page<T>>(200, "A page of the list.").headers.push("Link");
    }
}

/// A list as a plain array.
pub struct Array<T>(PhantomData<T>);

impl<T: JsonSchema> Output for Array<T> {
    fn describe(draft: &mut Draft<'_>) {
        draft.json::<Vec<T>>(200, "The list.");
    }
}

/// One of two arrays.
pub struct EitherArray<T, U>(PhantomData<(T, U)>);

impl<T: JsonSchema, U: JsonSchema> Output for EitherArray<T, U> {
    fn describe(draft: &mut Draft<'_>) {
        let both = [draft.schemas.written::<Vec<T>>(), draft.schemas.written::<Vec<U>>()];
        let content = json!({ "schema": { "anyOf": both } });
        let answer = draft.answer(200, "The rows.");
        answer.content.insert(super::operation::JSON.to_owned(), content);
    }
}

/// JSON with an answer of 200, also to a repetition.
pub struct Replayable<T>(PhantomData<T>);

impl<T: JsonSchema> Output for Replayable<T> {
    fn describe(draft: &mut Draft<'_>) {
        Keyed::<Json<T>>::describe(draft);
    }
}

/// JSON of what was done, or of the request that waits.
pub struct DoneOrWaiting<T, W>(PhantomData<(T, W)>);

impl<T: JsonSchema, W: JsonSchema> Output for DoneOrWaiting<T, W> {
    fn describe(draft: &mut Draft<'_>) {
        draft.json::<T>(200, "Done.");
        draft.json::<W>(202, "It waits.");
    }
}

/// Bytes of a file.
pub struct FileBytes;

impl Output for FileBytes {
    fn describe(draft: &mut Draft<'_>) {
        for header in ["Range", "If-Range", "If-None-Match"] {
            draft.takes(header);
        }
        for (status, description) in [(200, "The file."), (206, "A part of the file.")] {
            let answer = draft.answer(status, description);
            answer.headers.extend(["ETag", "Accept-Ranges", "Content-Disposition"]);
            answer.content.insert("*/*".to_owned(), bytes());
        }
        draft.answer(206, "A part of the file.").headers.push("Content-Range");
        draft.answer(304, "The client has it.").headers.push("ETag");
        draft.problems(&[409, 416]);
    }
}

/// A picture, encoded by us.
pub struct Jpeg;

impl Output for Jpeg {
    fn describe(draft: &mut Draft<'_>) {
        draft
            .answer(200, "The picture.")
            .content
            .insert("image/jpeg".to_owned(), bytes());
        draft.problems(&[409, 415]);
    }
}

fn bytes() -> Value {
    json!({ "schema": { "type": "string", "contentMediaType": "application/octet-stream" } })
}

/// Lines of JSON, or a table of comma-separated values.
pub struct Rows<T>(PhantomData<T>);

impl<T: JsonSchema> Output for Rows<T> {
    fn describe(draft: &mut Draft<'_>) {
        Lines::<T>::describe(draft);
        let answer = draft.answer(200, "The rows.");
        answer
            .content
            .insert("text/csv".to_owned(), json!({ "schema": { "type": "string" } }));
        answer.headers.push("X-Total-Count");
    }
}

/// Lines of JSON, each a `T`.
pub struct Lines<T>(PhantomData<T>);

impl<T: JsonSchema> Output for Lines<T> {
    fn describe(draft: &mut Draft<'_>) {
        let line = draft.schemas.written::<T>();
        let content = json!({ "schema": { "type": "string" }, "x-line": line });
        draft
            .answer(200, "The lines.")
            .content
            .insert("application/x-ndjson".to_owned(), content);
    }
}

/// Server-sent events, the data of each a `T`.
pub struct Events<T>(PhantomData<T>);

impl<T: JsonSchema> Output for Events<T> {
    fn describe(draft: &mut Draft<'_>) {
        draft.takes("Last-Event-ID");
        let data = draft.schemas.written::<T>();
        let content = json!({ "schema": { "type": "string" }, "x-event-data": data });
        draft
            .answer(200, "Events as they happen.")
            .content
            .insert("text/event-stream".to_owned(), content);
        draft.problems(&[400]);
    }
}

/// A page for people.
pub struct Html;

impl Output for Html {
    fn describe(draft: &mut Draft<'_>) {
        let content = json!({ "schema": { "type": "string" } });
        let answer = draft.answer(200, "The page.");
        answer.content.insert("text/html".to_owned(), content);
        answer.headers.push("ETag");
    }
}

/// Metrics in the text format of Open Metrics.
pub struct OpenMetrics;

impl Output for OpenMetrics {
    fn describe(draft: &mut Draft<'_>) {
        let content = json!({ "schema": { "type": "string" } });
        draft
            .answer(200, "The metrics.")
            .content
            .insert("application/openmetrics-text".to_owned(), content);
    }
}

/// The WebSocket.
pub struct Socket;

impl Output for Socket {
    fn describe(draft: &mut Draft<'_>) {
        let frames = json!({
            "server": draft.schemas.written::<ServerFrame>(),
            "client": draft.schemas.read::<ClientFrame>(),
            "identify": draft.schemas.read::<Identify<FilterRequest>>(),
            "send": draft.schemas.read::<SendRequest>(),
            "forward": draft.schemas.read::<ForwardCommand>(),
            "edit": draft.schemas.read::<EditCommand>(),
            "delete": draft.schemas.read::<DeleteCommand>(),
            "react": draft.schemas.read::<ReactCommand>(),
            "mark_read": draft.schemas.read::<MarkReadCommand>(),
            "typing": draft.schemas.read::<TypingCommand>(),
            "assign": draft.schemas.read::<AssignCommand>(),
            "status": draft.schemas.read::<StatusCommand>(),
            "label": draft.schemas.read::<LabelCommand>(),
            "unlabel": draft.schemas.read::<LabelCommand>(),
            "note": draft.schemas.read::<NoteCommand>(),
            "release": draft.schemas.read::<MessageCommand>(),
            "cancel": draft.schemas.read::<MessageCommand>(),
        });
        let answer = draft.answer(101, "The connection is a WebSocket now; its frames are JSON.");
        answer.frames = Some(frames);
        draft.problems(&[401, 403]);
    }
}
