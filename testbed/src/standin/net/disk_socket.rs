//! Message store of a device, kept by the stand-in.
//! On the real site this is the browser's `IndexedDB`. Which of its writes survive a kill depends on Chromium and
//! differs between runs, and a torture test would measure that instead of the program. So the page writes its rows
//! here, waits for the answer, and only then acknowledges a stanza: an answered write survives any kill. The store is
//! not part of the network: it works while the page is offline. It is deleted with the login, and a deleted browser
//! profile has no credential to open it.

use std::sync::Arc;

use axum::extract::ws::{Message as Frame, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::service::Service;
use crate::standin::device::DeviceId;
use crate::standin::world::World;

/// Maximum size of the answer to `load`, in bytes.
const MAX_FRAME: usize = 256 * 1024 * 1024;

/// Credential of the device that opens its store.
#[derive(Deserialize)]
pub(crate) struct Credential {
    device: DeviceId,
    secret: String,
}

#[derive(Deserialize)]
struct Request {
    n: u64,
    op: String,
    #[serde(default)]
    rows: Vec<(String, String, Option<Box<RawValue>>)>,
}

#[derive(Serialize)]
struct Answer {
    n: u64,
    rows: Vec<(String, String, Box<RawValue>)>,
}

/// Opens a device's store over a WebSocket.
pub(crate) async fn upgrade(
    State(service): State<Arc<Service>>,
    Query(credential): Query<Credential>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let device = credential.device;
    // An unlinked device can still open its store: the page learns of its logout from the network only.
    if service.look(|world| {
        world
            .devices
            .get(&device)
            .is_some_and(|known| known.secret != credential.secret)
    }) {
        return StatusCode::FORBIDDEN.into_response();
    }
    upgrade
        .max_message_size(MAX_FRAME)
        .max_frame_size(MAX_FRAME)
        .on_upgrade(move |socket| run(service, socket, device))
}

async fn run(service: Arc<Service>, mut socket: WebSocket, device: DeviceId) {
    let opened = service.with(|world| world.open_disk(device));
    loop {
        let frame = tokio::select! {
            () = service.stop.cancelled() => return,
            frame = socket.recv() => frame,
        };
        let Some(Ok(Frame::Text(text))) = frame else { return };
        let answer = match serde_json::from_str(&text) {
            Ok(request) => service.with(|world| world.disk((device, opened), request)),
            Err(error) => {
                tracing::warn!(%error, "the page wrote to its store what nobody understands");
                return;
            }
        };
        let Some(Ok(text)) = answer.as_ref().map(serde_json::to_string) else {
            return;
        };
        if socket.send(Frame::text(text)).await.is_err() {
            return;
        }
    }
}

impl World {
    /// Opens the store; from now on only this opening may write.
    fn open_disk(&mut self, device: DeviceId) -> u64 {
        let opened = self.fresh_id();
        if let Some(device) = self.devices.get_mut(&device) {
            device.disk_opened = opened;
        }
        opened
    }

    /// Executes a request. `None` if another page has opened the store since.
    fn disk(&mut self, (device, opened): (DeviceId, u64), request: Request) -> Option<Answer> {
        let mut answer = Answer {
            n: request.n,
            rows: Vec::new(),
        };
        let Some(device) = self.devices.get_mut(&device) else {
            return Some(answer);
        };
        if device.disk_opened != opened {
            return None;
        }
        match request.op.as_str() {
            "load" => {
                let rows = device.disk.iter();
                answer.rows = rows
                    .map(|((table, key), value)| (table.clone(), key.clone(), value.clone()))
                    .collect();
            }
            "wipe" => device.disk.clear(),
            _ => {
                for (table, key, value) in request.rows {
                    match value {
                        Some(value) => device.disk.insert((table, key), value),
                        None => device.disk.remove(&(table, key)),
                    };
                }
            }
        }
        Some(answer)
    }
}
