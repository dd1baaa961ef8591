//! Control of media over HTTP: files as request bodies, and faults of media.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Refused;
use super::customers::handle;
use crate::standin::media_store::Corruption;
use crate::standin::messages::attachment::{Attachment, AttachmentKind};
use crate::standin::messages::doings::Draft;
use crate::standin::net::service::Service;
use crate::standin::people::{CustomerId, PhoneId};

type Answer = Result<Json<Value>, Refused>;

/// Maximum size of a file in a request, in bytes.
const MAX_FILE: usize = 512 * 1024 * 1024;

/// Properties of a file besides its content.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    kind: AttachmentKind,
    mimetype: String,
    filename: Option<String>,
    caption: Option<String>,
    seconds: Option<u32>,
    width: Option<u32>,
    height: Option<u32>,
    #[serde(default)]
    view_once: bool,
    phone: Option<PhoneId>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Expire {
    until_asked: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corrupt {
    how: Corruption,
}

/// Returns the routes for media.
pub(super) fn router() -> Router<Arc<Service>> {
    Router::new()
        .route(
            "/customers/{customer}/attach",
            post(attach).layer(DefaultBodyLimit::max(MAX_FILE)),
        )
        .route("/customers/{customer}/media/{stanza}", get(shown))
        .route("/media/{stanza}/expire", post(expire))
        .route("/media/{stanza}/restore", post(restore))
        .route("/media/{stanza}/corrupt", post(corrupt))
}

async fn attach(
    State(service): State<Arc<Service>>,
    Path(id): Path<CustomerId>,
    Query(described): Query<Described>,
    bytes: Bytes,
) -> Answer {
    let attachment = Attachment {
        filename: described.filename,
        caption: described.caption,
        seconds: described.seconds,
        width: described.width,
        height: described.height,
        view_once: described.view_once,
        ..Attachment::new(described.kind, &described.mimetype, bytes)
    };
    let sent = handle(&service, id, described.phone)?.send(Draft::attachment(attachment));
    Ok(Json(json!({ "ids": [sent] })))
}

async fn shown(
    State(service): State<Arc<Service>>,
    Path((id, stanza)): Path<(CustomerId, String)>,
) -> Result<Response, Refused> {
    let inbox = handle(&service, id, None)?.inbox();
    let found = inbox.into_iter().find(|received| received.stanza_id == stanza);
    let attachment = found.and_then(|received| received.attachment);
    let attachment = attachment.ok_or_else(|| Refused::unknown("medium"))?;
    Ok(([(header::CONTENT_TYPE, attachment.mimetype)], attachment.bytes).into_response())
}

async fn expire(State(service): State<Arc<Service>>, Path(stanza): Path<String>, Json(body): Json<Expire>) -> Answer {
    service.with(|world| world.expire_media(&stanza, body.until_asked));
    Ok(Json(json!({})))
}

async fn restore(State(service): State<Arc<Service>>, Path(stanza): Path<String>) -> Answer {
    service.with(|world| world.restore_media(&stanza));
    Ok(Json(json!({})))
}

async fn corrupt(State(service): State<Arc<Service>>, Path(stanza): Path<String>, Json(body): Json<Corrupt>) -> Answer {
    service.with(|world| world.corrupt_media(&stanza, body.how));
    Ok(Json(json!({})))
}
