//! The WebSocket, `GET /api/v1/ws` (`crm.v1.json`): hello, identify, ready, then every event once and in order from the
//! client's own cursor. Commands use the same service layer as REST. The server keeps no state of a connection, so a
//! reconnect loses nothing.

mod command;
mod connection;
mod frame;
mod identify;
mod limits;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{State, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};

use super::MAX_BODY_BYTES;
use super::access::auth;
use super::http::problem::{Code, Problem};
use super::state::ApiState;
use crate::contract::Scope;
use connection::Connection;
pub use limits::SocketLimits;

/// Name of the subprotocol.
const PROTOCOL: &str = "crm.v1.json";

/// Largest message that is read, in bytes. A message between `MAX_BODY_BYTES` and this is read, so that it can be
/// refused with a close code; a larger one breaks the connection.
const READ_BYTES: usize = 4 * MAX_BODY_BYTES;

/// Maximum number of open connections.
const MAX_SOCKETS: i64 = 1000;

/// `GET /api/v1/ws`, scope `read`: opens a WebSocket. The key may be in the header. A browser cannot set one, so it
/// identifies itself in its first frame.
pub async fn open(
    State(state): State<ApiState>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|_| {
        Problem::new(
            Code::UpgradeRequired,
            "connect with a WebSocket client; `crm tail` is one",
        )
    })?;
    let caller = match auth::bearer(&headers) {
        Some(key) => {
            let caller = state.access().caller(key, auth::origin(&headers)).await?;
            caller.needs(Scope::Read)?;
            Some(caller)
        }
        None => None,
    };
    if state.metrics.sockets.get() >= MAX_SOCKETS {
        let detail = format!("{MAX_SOCKETS} WebSockets are open already; close some, or try again later");
        return Err(Problem::new(Code::Unavailable, detail));
    }
    // A client that requests subprotocols has to request ours; one that requests none is assumed to speak it.
    let speaks_ours = upgrade.requested_protocols().next().is_none()
        || upgrade.requested_protocols().any(|protocol| protocol == PROTOCOL);
    let origin = auth::origin(&headers);
    let supervisor = state.supervisor.clone();
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .max_message_size(READ_BYTES)
        .max_frame_size(READ_BYTES);
    Ok(upgrade
        .on_upgrade(move |socket| async move {
            let connection = Connection {
                state,
                caller,
                origin,
                speaks_ours,
            };
            supervisor.spawn_short("websocket", connection.run(socket));
        })
        .into_response())
}
