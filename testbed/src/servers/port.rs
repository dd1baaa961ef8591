//! Free loopback ports.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, bail};
use rand::RngExt as _;

/// Range of ports, below the one for outgoing connections (32768 and up by default). In that range, a server that is
/// down could lose its port to another connection, and a client that keeps retrying could even connect to itself.
const RANGE: std::ops::Range<u16> = 15_000..32_000;
const ATTEMPTS: usize = 200;

/// Returns a port on 127.0.0.1 on which nothing listens, and which stays free while its server restarts.
pub fn free_port() -> Result<u16> {
    #[expect(
        clippy::disallowed_methods,
        reason = "which port is taken must differ between runs side by side"
    )]
    let mut random = rand::rng();
    for _ in 0..ATTEMPTS {
        let port = random.random_range(RANGE);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!(
        "no free port on 127.0.0.1 from {} to {}: end what listens there",
        RANGE.start,
        RANGE.end
    )
}
