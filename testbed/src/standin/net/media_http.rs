//! Uploads and downloads of pages, as with WhatsApp's media servers.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;

use super::service::Service;
use crate::standin::device::DeviceId;
use crate::standin::faults::Network;
use crate::standin::media_store::Medium;

/// Maximum size of an upload, in bytes. The site takes documents of 2 GB; here everything is held in memory.
const MAX_UPLOAD: usize = 512 * 1024 * 1024;

/// Credential of the device that uploads.
#[derive(Deserialize)]
struct Credential {
    device: DeviceId,
    secret: String,
}

/// Returns the routes for uploads and downloads.
pub(crate) fn router() -> Router<Arc<Service>> {
    Router::new()
        .route("/mms/{kind}", post(upload).layer(DefaultBodyLimit::max(MAX_UPLOAD)))
        .route("/v/{folder}/{name}", get(fetch))
}

async fn upload(
    State(service): State<Arc<Service>>,
    Query(credential): Query<Credential>,
    stored: Bytes,
) -> Result<Response, StatusCode> {
    refuse_without_network(&service)?;
    let linked = service.look(|world| {
        let device = world.devices.get(&credential.device);
        device.is_some_and(|device| device.registered && device.secret == credential.secret)
    });
    if !linked {
        return Err(StatusCode::FORBIDDEN);
    }
    on_its_way(&service).await;
    let medium = Medium::uploaded(stored).ok_or(StatusCode::BAD_REQUEST)?;
    let enc_filehash = medium.enc_filehash().to_owned();
    let path = service.with(|world| world.keep_medium(medium));
    Ok(Json(json!({ "direct_path": path, "enc_filehash": enc_filehash })).into_response())
}

async fn fetch(State(service): State<Arc<Service>>, uri: Uri) -> Result<Response, StatusCode> {
    refuse_without_network(&service)?;
    on_its_way(&service).await;
    let parts = service.look(|world| world.media.fetch(uri.path()).map(Medium::parts));
    let parts = parts.ok_or(StatusCode::NOT_FOUND)?;
    let size: usize = parts.iter().map(Bytes::len).sum();
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, size.to_string()),
        // Not cached: a test may damage a file between two downloads.
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let body = Body::from_stream(stream::iter(parts.map(Ok::<_, std::io::Error>)));
    Ok((headers, body).into_response())
}

async fn on_its_way(service: &Service) {
    let delay = service.look(|world| world.faults.media_delay);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

fn refuse_without_network(service: &Service) -> Result<(), StatusCode> {
    match service.look(|world| world.faults.network) {
        Network::Up => Ok(()),
        Network::Down | Network::Dead => Err(StatusCode::SERVICE_UNAVAILABLE),
    }
}
