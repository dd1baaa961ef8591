//! TLS with our own certificate, for clients that open only `https://web.whatsapp.com/`. Chromium is told to resolve
//! that name to the stand-in and to accept any certificate.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::server::StartError;

/// Maximum number of connections that wait after their handshake.
const BACKLOG: usize = 64;

/// Creates an acceptor with a new self-signed certificate for these names.
pub(crate) fn acceptor(names: &[&str]) -> Result<TlsAcceptor, StartError> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Listener that runs each handshake in its own task, so that a slow client delays no other.
pub(crate) struct TlsListener {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl TlsListener {
    /// Starts to accept connections.
    pub fn new(
        listener: TcpListener,
        address: SocketAddr,
        acceptor: TlsAcceptor,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Self {
        let (shaken, ready) = mpsc::channel(BACKLOG);
        let (each, stop) = (tasks.clone(), stop.clone());
        tasks.spawn(stop.run_until_cancelled_owned(async move {
            loop {
                let Ok((stream, peer)) = listener.accept().await else {
                    continue;
                };
                let (acceptor, shaken) = (acceptor.clone(), shaken.clone());
                each.spawn(async move {
                    // A client that refuses the certificate just disconnects.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = shaken.send((stream, peer)).await;
                    }
                });
            }
        }));
        Self { ready, address }
    }
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(accepted) => accepted,
            // The service has stopped, and the accepting task with it.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok(self.address)
    }
}
