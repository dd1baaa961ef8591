//! `/media`: files are uploaded, fetched and downloaded as streams, so that none has to fit into memory.

mod headers;

use axum::Json;
use axum::body::{Body, BodyDataStream};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse as _;
use futures_util::StreamExt as _;
use schemars::JsonSchema;
use serde::Deserialize;

use super::access::auth::Caller;
use super::http::answer::{Accepted, Created, Keyed, Replay};
use super::http::extract::{Path, Query};
use super::http::problem::{Code, Problem};
use super::http::tags::is_known;
use super::http::takes::IdempotencyKey;
use super::openapi::answers::{FileBytes, Jpeg, Shaped};
use crate::bridge::{Answered, Desk, Idempotency, Refusal, Upload};
use crate::contract::MediaView;
use crate::domain::MediaId;
use crate::domain::media::Sink as _;
use crate::store::{Store, StoredMedia};
pub use headers::set;

/// Maximum number of bytes of a too large upload that are read and discarded, so that the client reads the answer
/// instead of seeing a broken connection.
const MAX_DISCARDED_BYTES: u64 = 256 << 20;

/// Query of an upload.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Name of the file.
    filename: Option<String>,
}

/// `POST /media`, scope `send`: stores a file. The request's body is its bytes, and the request's `Content-Type` its
/// type.
pub async fn upload(
    State(desk): State<Desk>,
    caller: Caller,
    Query(named): Query<Named>,
    IdempotencyKey(key): IdempotencyKey,
    request: Request,
) -> Result<Keyed<Created<MediaView>>, Problem> {
    let headers = request.headers();
    let mimetype = text(headers, &header::CONTENT_TYPE);
    if mimetype.as_deref().is_some_and(is_form) {
        let detail = "the body is a form, and has to be the file itself; send the file's own bytes, with its type in \
                      `Content-Type` and its name in `?filename=`";
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    let idempotency = key.map(|key| Idempotency {
        scope: caller.owner,
        key,
        body_hash: [0; 32],
    });
    let upload = Upload {
        mimetype,
        filename: named.filename,
        owner: Some(caller.owner),
        idempotency,
    };
    let mut incoming = desk.incoming()?;
    let mut body = request.into_body().into_data_stream();
    while let Some(piece) = body.next().await {
        let piece =
            piece.map_err(|_| Problem::new(Code::InvalidBody, "the upload is incomplete; send the file again"))?;
        if let Err(error) = incoming.write(&piece).await {
            if error.kind() == std::io::ErrorKind::FileTooLarge {
                discard(body).await;
                return Err(Refusal::FileTooLarge {
                    max: desk.largest_file(),
                }
                .into());
            }
            return Err(Desk::write_error(error).into());
        }
    }
    Ok(match desk.upload(incoming, upload).await? {
        Answered::New(media) => Keyed::New(Created {
            location: media.url.clone(),
            body: media.into(),
        }),
        Answered::Replayed(stored) => {
            let location = stored.response.parse().ok().map(|Place { url }| url);
            Keyed::Replayed(Replay::of(stored, location)?)
        }
    })
}

/// Returns whether a type is that of a form, whose parts hold the files.
fn is_form(mimetype: &str) -> bool {
    let kind = mimetype.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("multipart/form-data")
}

/// The location in a stored answer, whichever version wrote that answer.
#[derive(Deserialize)]
struct Place {
    url: String,
}

async fn discard(mut body: BodyDataStream) {
    let mut discarded = 0;
    while let Some(Ok(piece)) = body.next().await {
        discarded += piece.len() as u64;
        if discarded > MAX_DISCARDED_BYTES {
            return;
        }
    }
}

/// `GET /media/{id}/info`, scope `read`: returns type, size, name and state of a medium.
pub async fn view(State(store): State<Store>, Path(id): Path<MediaId>) -> Result<Json<MediaView>, Problem> {
    let stored = store.media().get(id).await?;
    let stored = stored.ok_or_else(|| Problem::not_found("medium", id))?;
    Ok(Json(stored.media.into()))
}

/// `GET /media/{id}`, scope `read`: streams a medium's bytes; answers 206 for a range, and 304 if the client has them.
pub async fn content(
    State(desk): State<Desk>,
    Path(id): Path<MediaId>,
    headers: HeaderMap,
) -> Result<Shaped<FileBytes>, Problem> {
    serve(&desk, desk.stored_medium(id).await?, &headers).await
}

/// Streams the bytes of a stored medium, or a part of them.
pub(super) async fn serve(desk: &Desk, stored: StoredMedia, headers: &HeaderMap) -> Result<Shaped<FileBytes>, Problem> {
    let (Some(sha256), Some(size)) = (&stored.media.sha256, stored.media.size) else {
        return Err(Problem::internal(&anyhow::anyhow!(
            "medium {} is stored without a hash",
            stored.media.id
        )));
    };
    let of_file = Stored {
        what: "medium",
        sha256: sha256.clone(),
        size,
        headers: headers::of(&stored),
    };
    stream(desk, headers, of_file).await
}

/// A file of the vault that is served.
pub struct Stored {
    /// Kind of the file, for messages.
    pub what: &'static str,
    /// Its hash, which is its name in the vault and its entity tag.
    pub sha256: String,
    /// Its size, in bytes.
    pub size: u64,
    /// Headers of the answer, besides those of ranges and tags.
    pub headers: HeaderMap,
}

/// Streams the bytes of a file; answers 206 for a range, and 304 if the client has them.
pub async fn stream(desk: &Desk, asked: &HeaderMap, file: Stored) -> Result<Shaped<FileBytes>, Problem> {
    let Stored {
        what,
        sha256,
        size,
        headers: mut answer,
    } = file;
    let tag = format!("\"{sha256}\"");
    set(&mut answer, header::ETAG, &tag);
    if is_known(asked, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, answer).into_response().into());
    }
    let (status, range) = match headers::range(asked, &tag, size) {
        Ok(None) => (StatusCode::OK, 0..size),
        Ok(Some(range)) => {
            let told = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            set(&mut answer, header::CONTENT_RANGE, &told);
            (StatusCode::PARTIAL_CONTENT, range)
        }
        Err(headers::Unsatisfiable) => {
            let detail = format!("the {what} has {size} bytes; ask for some of them");
            let mut response = Problem::new(Code::RangeNotSatisfiable, detail).into_response();
            set(
                response.headers_mut(),
                header::CONTENT_RANGE,
                &format!("bytes */{size}"),
            );
            return Ok(response.into());
        }
    };
    set(
        &mut answer,
        header::CONTENT_LENGTH,
        &(range.end - range.start).to_string(),
    );
    let pieces = desk.read_medium(&sha256, range).await?.inspect(move |piece| {
        if let Err(error) = piece {
            tracing::error!("a {what} broke off: {error}");
        }
    });
    Ok((status, answer, Body::from_stream(pieces)).into_response().into())
}

/// `GET /media/{id}/thumbnail`, scope `read`: returns a small JPEG of a picture, or of a video that came with a still picture,
/// encoded by us.
pub async fn thumbnail(State(desk): State<Desk>, Path(id): Path<MediaId>) -> Result<Shaped<Jpeg>, Problem> {
    let small = desk.thumbnail(id).await?;
    Ok((headers::of_thumbnail(), small).into_response().into())
}

/// `POST /media/{id}/fetch`, scope `send`: asks for a medium that is not stored here to be downloaded from WhatsApp,
/// and answers 202. Answers 507 if there is no room for it.
pub async fn fetch(State(desk): State<Desk>, Path(id): Path<MediaId>) -> Result<Accepted<MediaView>, Problem> {
    Ok(Accepted::of(desk.fetch_medium(id).await?.into()))
}

fn text(headers: &HeaderMap, name: &header::HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
