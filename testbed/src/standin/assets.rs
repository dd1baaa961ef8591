//! The page's files, and what the browser is told with them.

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use std::fmt::Write as _;
use std::sync::Arc;

use super::options::KeyLayout;
use super::service::Service;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../page/", $name)))),*]
    };
}

/// In the order in which the page loads them, which is the order in which client libraries find modules.
const FILES: &[(&str, &str)] = files![
    "registry.js",
    "emitter.js",
    "model.js",
    "collection.js",
    "constants.js",
    "wid.js",
    "msgkey_serialized.js",
    "msgkey_minified.js",
    "profile.js",
    "link.js",
    "store.js",
    "identity.js",
    "contacts.js",
    "presence.js",
    "content.js",
    "media.js",
    "transfer.js",
    "mediaprep.js",
    "msgs.js",
    "chats.js",
    "history.js",
    "intake.js",
    "outbox.js",
    "mediasend.js",
    "actions.js",
    "session.js",
    "boot.js",
    "screen.js",
    "shelf.js",
];

const INDEX: &str = include_str!("../../page/index.html");

/// As strict about connections as the site's own: no sockets or requests to other origins, the loopback included.
const CSP: &str = "default-src 'self' data: blob:; \
    script-src 'self' 'unsafe-eval' 'wasm-unsafe-eval' blob:; \
    style-src 'self' 'unsafe-inline' data: blob:; \
    img-src 'self' data: blob: https://*.whatsapp.net https://*.whatsapp.com; \
    media-src 'self' data: blob: https://*.whatsapp.net; \
    connect-src 'self' data: blob: https://*.whatsapp.net https://*.whatsapp.com wss://*.whatsapp.net wss://*.whatsapp.com; \
    font-src 'self' data:; object-src 'none'; frame-ancestors 'none'";

pub(crate) async fn index(State(service): State<Arc<Service>>) -> Response {
    let html = service.look(|world| {
        let options = &world.options;
        let skipped = match options.key_layout {
            KeyLayout::Old => "msgkey_minified.js",
            KeyLayout::New => "msgkey_serialized.js",
        };
        let attributes = format!(
            "data-version=\"{}\" data-settle-ms=\"{}\" data-lid-migrated=\"{}\"",
            options.version,
            options.settle.as_millis(),
            options.lid_migrated
        );
        let mut scripts = String::new();
        for (name, _) in FILES.iter().filter(|(name, _)| *name != skipped) {
            let _ = write!(scripts, "<script src=\"/page/{name}\"></script>");
        }
        INDEX
            .replace("{{attributes}}", &attributes)
            .replace("{{scripts}}", &scripts)
    });
    let headers = [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "origin"),
    ];
    (headers, Html(html)).into_response()
}

/// A profile picture, as the site's picture server hands it out.
pub(crate) async fn picture(State(service): State<Arc<Service>>, uri: Uri) -> Response {
    let found = service.look(|world| {
        let mut pictures = world.customers.iter().filter_map(|customer| customer.picture.as_ref());
        pictures.find(|picture| picture.path == uri.path()).cloned()
    });
    match found {
        Some(picture) => ([(header::CONTENT_TYPE, picture.mimetype)], picture.bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(crate) async fn file(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(known, _)| *known == name) {
        Some((_, text)) => {
            let headers = [
                (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, *text).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
