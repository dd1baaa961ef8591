//! Serves the API on a listener until the program ends.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::router::router;
use super::state::ApiState;

/// Maximum time for running requests to end after the shutdown has begun.
const FAREWELL: Duration = Duration::from_secs(10);

/// A bound listener.
pub struct Server {
    listener: TcpListener,
}

impl Server {
    /// Binds the address.
    pub async fn bind(address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { listener })
    }

    /// Returns the bound address, with the real port where port 0 was asked for.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stopping`, then lets running requests end within `FAREWELL`.
    pub async fn run(self, state: ApiState, stopping: CancellationToken) -> anyhow::Result<()> {
        let serving =
            axum::serve(self.listener, router(state)).with_graceful_shutdown(stopping.clone().cancelled_owned());
        let late = async {
            stopping.cancelled().await;
            tokio::time::sleep(FAREWELL).await;
        };
        tokio::select! {
            end = serving => Ok(end?),
            // A long export or wait is cut off; its client sees an incomplete answer.
            () = late => Ok(()),
        }
    }
}
