//! The WebSocket, `GET /api/v1/ws` (`crm.v1.json`): hello, identify, ready, then every event once and in order from the
//! client's own cursor. Commands use the same service layer as REST. The server keeps no state of a connection, so a
//! reconnect loses nothing.

mod command;
mod connection;
mod desk;
pub mod feed;
mod frame;
mod identify;
pub mod limits;
mod queue;
pub mod seats;

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, Extension, State, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::IntoResponse as _;

use super::MAX_BODY_BYTES;
use super::access::auth;
use super::http::problem::{Code, Problem};
use super::openapi::answers::{Shaped, Socket};
use super::server::wire::Wire;
use super::state::ApiState;
use crate::domain::Operation;
pub use command::COMMANDS;
use connection::{Connection, Place};

/// Pause that a client is asked to make when there is no place for it.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Name of the subprotocol.
const PROTOCOL: &str = "crm.v1.json";

/// Largest message that is read, in bytes. A message between `MAX_BODY_BYTES` and this is read, so that it can be
/// refused with a close code; a larger one breaks the connection.
const READ_BYTES: usize = 4 * MAX_BODY_BYTES;

/// Largest first frame of a client whose key is not in the header, in bytes.
const FIRST_FRAME_BYTES: usize = 1024;
/// Bytes that such a client may send altogether until it is identified: its first frame, the frame's head, and pings.
const FIRST_BYTES: usize = 2 * FIRST_FRAME_BYTES;

/// Size of the buffers with which a connection reads and writes, in bytes. They are taken for as long as it is open.
const READ_BUFFER: usize = 4096;
const WRITE_BUFFER: usize = 4096;

/// `GET /api/v1/ws`, scope `read`: opens a WebSocket. The key may be in the header. A browser cannot set one, so it
/// identifies itself in its first frame.
pub async fn open(
    State(state): State<ApiState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(wire): Extension<Wire>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Shaped<Socket>, Problem> {
    let upgrade = upgrade.map_err(|_| {
        Problem::new(
            Code::UpgradeRequired,
            "connect with a WebSocket client; `crm tail` is one",
        )
    })?;
    // From here on, so that no revocation falls between the check and the watch.
    let revoked = state.access().revoked();
    let caller = match auth::bearer(&headers) {
        Some(key) => {
            let caller = state.access().caller(key, auth::origin(&headers)).await?;
            caller.may(Operation::FollowEvents)?;
            Some(caller)
        }
        None => None,
    };
    let place = match caller {
        Some(caller) => state.seats.identified().map(|seat| Place::Identified(caller, seat)),
        None => state.seats.unidentified(peer.ip()).map(Place::Waiting),
    };
    let Some(place) = place else {
        let detail = "too many WebSockets are open; close some, or try again later";
        return Err(Problem {
            retry_after: Some(TRY_AGAIN),
            ..Problem::new(Code::Unavailable, detail)
        });
    };
    if matches!(place, Place::Waiting(_)) {
        wire.limit(FIRST_BYTES);
    }
    // A client that requests subprotocols has to request ours; one that requests none is assumed to speak it.
    let speaks_ours = upgrade.requested_protocols().next().is_none()
        || upgrade.requested_protocols().any(|protocol| protocol == PROTOCOL);
    let origin = auth::origin(&headers);
    let supervisor = state.supervisor.clone();
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(READ_BYTES)
        .max_frame_size(READ_BYTES);
    Ok(upgrade
        .on_upgrade(move |socket| async move {
            let connection = Connection {
                state,
                place,
                origin,
                speaks_ours,
                revoked,
                wire,
            };
            supervisor.spawn_short("websocket", connection.run(socket));
        })
        .into_response()
        .into())
}
