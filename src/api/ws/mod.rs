//! The WebSocket, `GET /api/v1/ws` (`crm.v1.json`): hello, identify, ready, then every event once and in order, from the
//! client's own cursor. Commands go through the same service layer as REST. Holds no state that a reconnect would miss.

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

/// The subprotocol that this speaks.
const PROTOCOL: &str = "crm.v1.json";

/// Largest message that is read at all, in bytes: one between this and what we take can still be refused in order.
const READ_BYTES: usize = 4 * MAX_BODY_BYTES;

/// Connections open at once.
const MAX_SOCKETS: i64 = 1000;

/// Opens a WebSocket. The key may come in the header; a browser, which cannot set one, identifies itself in a frame.
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
    // Whoever names protocols has to name ours; whoever names none is taken at his word that he speaks it.
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
