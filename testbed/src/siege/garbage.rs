//! Requests without sense, of every odd size.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, sleep_until, timeout};

use super::{Tally, Target, connect};

/// Requests on one connection.
const AT_ONCE: u64 = 20;
/// Longest time for the answers.
const PATIENCE: Duration = Duration::from_secs(5);

const METHODS: [&str; 12] = [
    "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "get", "BREW", "M-SEARCH", "X",
];
const PATHS: [&str; 14] = [
    "/",
    "//",
    "*",
    "/api/v1/customers",
    "/api/v1/messages/0",
    "/api/v1/messages/-1",
    "/api/v1/messages/99999999999999999999",
    "/api/v1/customers/%00",
    "/api/v1/../../etc/passwd",
    "/api/v1/customers?limit=-1&limit=999999999999",
    "/api/v1/conversations?after=%ff%fe",
    "/readyz",
    "/metrics?x=[]{}",
    "http://example.org/api/v1/customers",
];
/// Beginnings of other protocols, and of requests that no server may take.
const FOREIGN: [&[u8]; 8] = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.9\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET\x00/ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
];

/// Sends requests one connection after the other, `each_second` at most.
pub async fn lane(target: &Target, number: u64, each_second: u64, tally: &Tally) {
    let mut random = StdRng::seed_from_u64(number);
    let pause = Duration::from_micros(1_000_000 * AT_ONCE / each_second.max(1));
    let mut due = Instant::now();
    loop {
        let source: u64 = random.next_u64();
        if let Some(mut stream) = connect(target, source, None, tally).await {
            let (requests, count) = requests(&mut random, &target.address.to_string());
            // The server may close before it has read everything.
            let (mut reading, mut writing) = stream.split();
            let mut answers = Vec::new();
            let exchange = async { tokio::join!(writing.write_all(&requests), reading.read_to_end(&mut answers)) };
            let _ = timeout(PATIENCE, exchange).await;
            Tally::count(&tally.garbage, count);
            Tally::count(
                &tally.answered,
                answers.windows(9).filter(|at| *at == b"HTTP/1.1 ").count() as u64,
            );
        }
        // A request that came too late is not made up for.
        due = (due + pause).max(Instant::now());
        sleep_until(due).await;
    }
}

/// Returns requests for one connection, and how many they are. The last asks the server to close.
fn requests(random: &mut StdRng, host: &str) -> (Vec<u8>, u64) {
    let mut bytes = Vec::new();
    // One in twenty connections is not HTTP at all, and breaks off in the middle.
    let breaks = random.random_ratio(1, 20);
    for number in 1..=AT_ONCE {
        if breaks && number == AT_ONCE / 2 {
            bytes.extend_from_slice(FOREIGN[random.random_range(0..FOREIGN.len())]);
            return (bytes, number);
        }
        request(random, host, number == AT_ONCE, &mut bytes);
    }
    (bytes, AT_ONCE)
}

fn request(random: &mut StdRng, host: &str, closes: bool, bytes: &mut Vec<u8>) {
    let method = METHODS[random.random_range(0..METHODS.len())];
    let mut path = PATHS[random.random_range(0..PATHS.len())].to_owned();
    if random.random_ratio(1, 50) {
        path = format!("/{}", "%41".repeat(random.random_range(1..3_000)));
    }
    bytes.extend_from_slice(format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n").as_bytes());
    for number in 0..random.random_range(0..6) {
        let size = [0, 1, 63, 1_000][random.random_range(0..4)];
        bytes.extend_from_slice(format!("X-{number}: {}\r\n", "y".repeat(size)).as_bytes());
    }
    let header = match random.random_range(0..6) {
        0 => "Authorization: Bearer crm_0123456789012345678901234567890123456789012\r\n",
        1 => "Authorization: Basic Og==\r\n",
        2 => "Origin: http://example.org\r\n",
        3 => "Range: bytes=9-1,-0\r\n",
        4 => "Cookie: a=b; a=b; a=b\r\n",
        _ => "",
    };
    bytes.extend_from_slice(header.as_bytes());
    let body = [0, 0, 0, 1, 17, 4_096][random.random_range(0..6)];
    if body > 0 {
        bytes.extend_from_slice(format!("Content-Type: application/json\r\nContent-Length: {body}\r\n").as_bytes());
    }
    if closes {
        bytes.extend_from_slice(b"Connection: close\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    let begin = bytes.len();
    bytes.resize(begin + body, b'{');
}
