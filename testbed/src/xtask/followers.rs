//! `cargo xtask followers`: what many clients of the WebSocket cost that follow every event: memory while nothing happens, and
//! processor time and delay while something does. The clients run in this process.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;
use testbed::memory::resident;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::bench::figures::{Figures, Latencies, Table};
use super::bench::socket::Socket;
use super::idle::processor_time;
use super::machine::{self, Extent};
use super::section::section;
use super::server::{Place, Server, release_or};

/// Events a second, and for how long.
const RATE: u32 = 50;
const MEASURED: Duration = Duration::from_secs(30);
/// Connections that are made at the same time.
const CONNECTS: usize = 16;
/// Of so many events, the delay of one is kept.
const KEPT: usize = 10;
/// Time in which the last events reach every client.
const SETTLE: Duration = Duration::from_secs(10);
/// Beginning of a note of the measurement; its number follows.
const MARK: &str = "measured ";

/// Connects `count` clients, measures them idle, and lets events come.
pub async fn run(program: Option<PathBuf>, count: usize) -> Result<()> {
    machine::prepare(Extent::Build).await?;
    let program = release_or(program).await?;
    let server = Server::start(&program, Place::new()?, "http://127.0.0.1:9", None).await?;
    let conversation = make_conversation(&server).await?;
    let mut figures = Figures::default();
    let pid = server.pid().await;
    // What the first ones take is taken once.
    let first = count.div_ceil(20);
    let mut sockets = section("first clients", connect(&server, first)).await?;
    let before = resident(pid)?;
    sockets.extend(section("clients", connect(&server, count - first)).await?);
    let idle = resident(pid)?.saturating_sub(before);
    figures.memory(&format!("{} idle clients", count - first), idle);
    section("events", measure(&server, conversation, sockets, &mut figures)).await?;
    figures.memory("server, after the events", resident(pid)?);
    println!("{}", Table::of(&[(program.display().to_string(), vec![figures])]));
    Ok(())
}

async fn connect(server: &Server, count: usize) -> Result<Vec<Socket>> {
    let sockets = (0..count).map(|_| Socket::connect(server));
    stream::iter(sockets).buffer_unordered(CONNECTS).try_collect().await
}

/// Makes a conversation, and returns its id.
async fn make_conversation(server: &Server) -> Result<i64> {
    let message = json!({
        "phone": "447700900001", "name": "Ada", "content": "hello", "whatsapp_id": "3EB0000000000001",
    });
    server.post("/messages/inbox", &message).await?;
    let list = server.get("/api/v1/conversations").await?;
    list["data"][0]["id"]
        .as_i64()
        .context("a list without the conversation")
}

async fn measure(server: &Server, conversation: i64, sockets: Vec<Socket>, figures: &mut Figures) -> Result<()> {
    let (count, pid) = (sockets.len(), server.pid().await);
    let events = RATE as usize * usize::try_from(MEASURED.as_secs())?;
    let (told, mut delays) = mpsc::unbounded_channel();
    let received = AtomicUsize::new(0);
    let start = Instant::now();
    let due = |number: usize| start + Duration::from_secs(1) * u32::try_from(number).unwrap_or(0) / RATE;
    let followers = sockets.into_iter().map(|mut socket| {
        let (told, received) = (told.clone(), &received);
        async move {
            for _ in 0..events {
                let number = socket.until_marked(MARK).await?;
                received.fetch_add(1, Ordering::Relaxed);
                if number % KEPT == 0 {
                    let _ = told.send(due(number).elapsed());
                }
            }
            anyhow::Ok(())
        }
    });
    let path = format!("/api/v1/conversations/{conversation}/notes");
    let before = processor_time(pid)?;
    let notes = (0..events).map(|number| {
        let path = &path;
        async move {
            tokio::time::sleep_until(due(number)).await;
            let note = json!({"content": format!("{MARK}{number};")});
            server.post(path, &note).await
        }
    });
    let write = async {
        futures_util::future::try_join_all(notes).await?;
        anyhow::Ok(processor_time(pid)?.saturating_sub(before))
    };
    let follow = futures_util::future::try_join_all(followers);
    let both = async { tokio::try_join!(write, follow) };
    let (used, _) = tokio::time::timeout(MEASURED + SETTLE, both)
        .await
        .with_context(|| format!("{} of {} events came", received.load(Ordering::Relaxed), events * count))??;
    drop(told);
    let mut latencies = Latencies::default();
    while let Some(delay) = delays.recv().await {
        latencies.add(delay);
    }
    figures.share(
        &format!("processor, {RATE} events/s to {count} clients"),
        used,
        MEASURED,
    );
    figures.latency("request → client", &latencies);
    Ok(())
}
