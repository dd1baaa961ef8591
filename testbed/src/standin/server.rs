//! The listener.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::routing::{any, get};
use tokio::net::TcpListener;

use super::service::Service;
use super::{assets, chat_socket, control, disk_socket};

/// Why a stand-in does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken.
    #[error("cannot listen on 127.0.0.1:{port}: {source}; choose another port, or 0 for a free one")]
    Listen {
        /// The port asked for.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
}

pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/", get(assets::index))
        .route("/page/{name}", get(assets::file))
        .route("/ws/chat", any(chat_socket::upgrade))
        .route("/ws/disk", any(disk_socket::upgrade))
        .nest("/control", control::router())
        .with_state(service)
}

/// Listens on 127.0.0.1 and serves until the service stops. Gives the address.
pub(crate) async fn serve(service: &Arc<Service>, port: u16) -> Result<SocketAddr, StartError> {
    let failed = |source| StartError::Listen { port, source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let router = router(Arc::clone(service));
    let stop = service.stop.clone();
    service.tasks.spawn(async move {
        let served = axum::serve(listener, router)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "the stand-in's listener ended");
        }
    });
    Ok(address)
}
