//! Serving the API on a listener until the program ends.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::router::router;
use super::state::ApiState;

/// How long requests in hand may take after the end was asked for.
const FAREWELL: Duration = Duration::from_secs(10);

/// A listener that has its address.
pub struct Server {
    listener: TcpListener,
}

impl Server {
    pub async fn bind(address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { listener })
    }

    /// The address, with the port that was given where 0 was asked for.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until `stopping`, then ends what is in hand.
    pub async fn run(self, state: ApiState, stopping: CancellationToken) -> anyhow::Result<()> {
        let serving =
            axum::serve(self.listener, router(state)).with_graceful_shutdown(stopping.clone().cancelled_owned());
        let late = async {
            stopping.cancelled().await;
            tokio::time::sleep(FAREWELL).await;
        };
        tokio::select! {
            end = serving => Ok(end?),
            // An export or a long wait that goes on is broken off: its client sees that it is not whole.
            () = late => Ok(()),
        }
    }
}
