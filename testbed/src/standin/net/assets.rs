//! Files of the page, and their headers.

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use std::sync::Arc;

use super::service::Service;
use crate::standin::options::KeyLayout;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../page/", $name)))),*]
    };
}

/// Files in the order in which the page loads them. Client libraries find modules in this order.
const FILES: &[(&str, &str)] = files![
    "base/registry.js",
    "base/emitter.js",
    "base/model.js",
    "base/collection.js",
    "base/constants.js",
    "base/wid.js",
    "base/msgkey_serialized.js",
    "base/msgkey_minified.js",
    "people/profile.js",
    "link.js",
    "base/store.js",
    "people/identity.js",
    "people/contacts.js",
    "people/groups.js",
    "people/presence.js",
    "messages/content.js",
    "messages/media.js",
    "messages/transfer.js",
    "messages/mediaprep.js",
    "messages/msgs.js",
    "messages/chats.js",
    "history.js",
    "intake.js",
    "notices.js",
    "messages/outbox.js",
    "messages/mediasend.js",
    "messages/polls.js",
    "messages/kinds.js",
    "messages/actions.js",
    "session.js",
    "troubles.js",
    "historysync.js",
    "boot.js",
    "screen.js",
    "shelf.js",
];

/// Prefix of the name of the file that bundles all others; the layout of message keys follows.
const WHOLE: &str = "all.";

/// Prefix of the files that define a layout of message keys.
const KEYS: &str = "base/msgkey_";

const INDEX: &str = include_str!("../../../page/index.html");

/// Content security policy as strict about connections as the site's: no sockets or requests to other origins, nor to
/// loopback.
const CSP: &str = "default-src 'self' data: blob:; \
    script-src 'self' 'unsafe-eval' 'wasm-unsafe-eval' blob:; \
    style-src 'self' 'unsafe-inline' data: blob:; \
    img-src 'self' data: blob: https://*.whatsapp.net https://*.whatsapp.com; \
    media-src 'self' data: blob: https://*.whatsapp.net; \
    connect-src 'self' data: blob: https://*.whatsapp.net https://*.whatsapp.com wss://*.whatsapp.net wss://*.whatsapp.com; \
    font-src 'self' data:; object-src 'none'; frame-ancestors 'none'";

/// Serves the page.
pub(crate) async fn index(State(service): State<Arc<Service>>) -> Response {
    let html = service.look(|world| {
        let options = &world.options;
        let keys = match options.key_layout {
            KeyLayout::Old => "base/msgkey_serialized.js",
            KeyLayout::New => "base/msgkey_minified.js",
        };
        let attributes = format!(
            "data-version=\"{}\" data-settle-ms=\"{}\" data-lid-migrated=\"{}\" data-hidden-modules=\"{}\"",
            options.version,
            options.settle.as_millis(),
            options.lid_migrated,
            options.hidden_modules.join(" ")
        );
        // Bundled: on a busy machine, client libraries would take a pause between two files for the end of loading.
        let scripts = format!("<script src=\"/page/{WHOLE}{keys}\"></script>");
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

/// Serves an avatar, as the site's server for pictures does.
pub(crate) async fn picture(State(service): State<Arc<Service>>, uri: Uri) -> Response {
    let found = service.look(|world| {
        let of_customers = world.customers.iter().map(|customer| &customer.picture);
        let of_groups = world.groups.iter().map(|group| &group.picture);
        let mut pictures = of_customers.chain(of_groups).flatten();
        pictures.find(|picture| picture.path == uri.path()).cloned()
    });
    match found {
        Some(picture) => ([(header::CONTENT_TYPE, picture.mimetype)], picture.bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Serves one of the page's files.
pub(crate) async fn file(Path(name): Path<String>) -> Response {
    let text = match name.strip_prefix(WHOLE) {
        Some(keys) => whole(keys),
        None => FILES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, text)| (*text).to_owned()),
    };
    let Some(text) = text else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, text).into_response()
}

/// Returns all files in order, with only one of the layouts of message keys.
fn whole(keys: &str) -> Option<String> {
    FILES.iter().find(|(name, _)| *name == keys)?;
    let wanted = FILES
        .iter()
        .filter(|(name, _)| !name.starts_with(KEYS) || *name == keys);
    Some(wanted.map(|(_, text)| *text).collect())
}
