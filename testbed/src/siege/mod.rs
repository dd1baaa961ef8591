//! A siege of the API: what hostile, broken and slow clients do to a server, all at once, and the ordinary work beside
//! them that has to go on. `cargo xtask siege` plays it for minutes against a release build, a test for seconds.
//!
//! The attackers come from eight loopback addresses, of which the first, 127.0.0.1, is that of the ordinary clients as
//! well: behind a shared address nobody may lose their place to somebody without a key, and a bound for one address is
//! no bound for a crowd.

mod attackers;
mod garbage;
mod ordinary;
mod seed;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::future::join_all;
use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;

pub use ordinary::{Ordinary, Work};
pub use seed::sql as seed;

/// Number of loopback addresses that the attackers come from.
const ADDRESSES: u8 = 8;
/// Pause before a connection that the server has closed is opened again.
const AGAIN: Duration = Duration::from_secs(1);
/// Number of connections that send garbage at the same time.
const GARBAGE_LANES: u64 = 16;

/// The server, and a key with every scope, which the clients that stop reading have.
#[derive(Clone, Debug)]
pub struct Target {
    /// Address of the API.
    pub address: SocketAddr,
    /// The key.
    pub key: String,
    /// Path of a large medium.
    pub medium: String,
}

/// Strength of the siege.
#[derive(Clone, Copy, Debug)]
pub struct Forces {
    /// Requests that are never sent to their end.
    pub half_sent: usize,
    /// WebSockets that never identify themselves.
    pub sockets: usize,
    /// Clients that stop reading, of each kind of stream.
    pub stalled: usize,
    /// Requests of every odd size per second.
    pub garbage: u64,
}

impl Forces {
    /// The whole siege.
    pub const FULL: Self = Self {
        half_sent: 1_000,
        sockets: 1_000,
        stalled: 64,
        garbage: 10_000,
    };
}

/// Counts of what the attackers did.
#[derive(Debug, Default)]
pub struct Tally {
    /// Half-sent requests that were opened.
    pub half_sent: AtomicU64,
    /// WebSockets without a key that were opened.
    pub sockets: AtomicU64,
    /// Such WebSockets that the server refused.
    pub refused: AtomicU64,
    /// Streams that were opened and not read.
    pub stalled: AtomicU64,
    /// Garbage requests that were sent.
    pub garbage: AtomicU64,
    /// Answers to them.
    pub answered: AtomicU64,
    /// Connections that could not be opened.
    pub unconnected: AtomicU64,
}

impl Tally {
    fn count(counter: &AtomicU64, more: u64) {
        counter.fetch_add(more, Ordering::Relaxed);
    }
}

impl Target {
    /// Uploads a medium of so many bytes, for clients that stop reading it.
    pub async fn new(address: SocketAddr, key: &str, medium: usize) -> Result<Self> {
        let request = reqwest::Client::builder()
            .no_proxy()
            .build()?
            .post(format!("http://{address}/api/v1/media?filename=large.bin"))
            .bearer_auth(key)
            .header("content-type", "application/x-thing")
            .body(vec![7; medium]);
        let answer: Value = request.send().await?.error_for_status()?.json().await?;
        let medium = answer["url"].as_str().context("a medium without a path")?.to_owned();
        Ok(Self {
            address,
            key: key.to_owned(),
            medium,
        })
    }
}

/// Holds every connection of the siege but the garbage until `end`. Needs one thread.
pub async fn hold(target: &Target, forces: Forces, tally: &Tally, end: &CancellationToken) {
    let half_sent = (0..forces.half_sent).map(|number| attackers::half_sent(target, number, tally));
    let sockets = (0..forces.sockets).map(|number| attackers::silent_socket(target, number, tally));
    let stalled = attackers::STREAMS
        .into_iter()
        .flat_map(|stream| (0..forces.stalled).map(move |number| attackers::stalled(target, stream, number, tally)));
    let all = async {
        tokio::join!(join_all(half_sent), join_all(sockets), join_all(stalled));
    };
    tokio::select! {
        () = all => {}
        () = end.cancelled() => {}
    }
}

/// Sends garbage until `end`, at most as many requests per second as `forces` says. Needs one thread.
pub async fn pelt(target: &Target, forces: Forces, tally: &Tally, end: &CancellationToken) {
    let lanes = (0..GARBAGE_LANES).map(|lane| garbage::lane(target, lane, forces.garbage / GARBAGE_LANES, tally));
    tokio::select! {
        _ = join_all(lanes) => {}
        () = end.cancelled() => {}
    }
}

/// Connects from one of the addresses. `buffer` is the size of the receive buffer, in bytes.
async fn connect(target: &Target, number: u64, buffer: Option<u32>, tally: &Tally) -> Option<TcpStream> {
    let last = 1 + u8::try_from(number % u64::from(ADDRESSES)).unwrap_or(0);
    let connected = async {
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, last), 0).into())?;
        socket.connect(target.address).await
    };
    let stream = connected.await.ok();
    if stream.is_none() {
        Tally::count(&tally.unconnected, 1);
    }
    stream
}
