//! Listeners of the stand-in.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::routing::{any, get};
use tokio::net::TcpListener;

use super::service::Service;
use super::tls::TlsListener;
use super::{assets, chat_socket, disk_socket, media_http, tls};
use crate::standin::control;

/// Reason why a stand-in does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken.
    #[error("cannot listen on 127.0.0.1:{port}: {source}; choose another port, or 0 for a free one")]
    Listen {
        /// Requested port.
        port: u16,
        /// Error of the system.
        source: std::io::Error,
    },
    /// No certificate could be created.
    #[error("cannot make a certificate of our own: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The certificate could not be used.
    #[error("cannot use a certificate of our own: {0}")]
    Tls(#[from] tokio_rustls::rustls::Error),
}

/// Returns all routes: page, media and control.
pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/", get(assets::index))
        .route("/page/{*name}", get(assets::file))
        .route("/pps/{name}", get(assets::picture))
        .route("/ws/chat", any(chat_socket::upgrade))
        .route("/ws/disk", any(disk_socket::upgrade))
        .merge(media_http::router())
        .nest("/control", control::router())
        .with_state(service)
}

/// Listens on 127.0.0.1 and serves until the service stops. Returns the address.
pub(crate) async fn serve(service: &Arc<Service>, port: u16) -> Result<SocketAddr, StartError> {
    let (listener, address) = listen(port).await?;
    run(service, listener);
    Ok(address)
}

/// Listens with TLS on a free port, with a self-signed certificate for `web.whatsapp.com`. Returns the address.
pub(crate) async fn serve_tls(service: &Arc<Service>) -> Result<SocketAddr, StartError> {
    let (listener, address) = listen(0).await?;
    let acceptor = tls::acceptor(&["web.whatsapp.com", "localhost", "127.0.0.1"])?;
    let listener = TlsListener::new(listener, address, acceptor, &service.tasks, &service.stop);
    run(service, listener);
    Ok(address)
}

async fn listen(port: u16) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { port, source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

fn run<L>(service: &Arc<Service>, listener: L)
where
    L: axum::serve::Listener,
    L::Addr: std::fmt::Debug,
{
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
}
