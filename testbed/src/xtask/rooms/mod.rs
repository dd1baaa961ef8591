//! `cargo xtask rooms`: the program with very many customers' rooms, as an application service or as a bot: how fast rooms are made,
//! how long a start takes, how soon a message is at an agent's client, and how much memory it needs.
//!
//! Messages come in through the superseded gateway's endpoint, so no browser takes part; the peer is the same homeserver
//! with a plain loop of requests.

mod agent;
mod peer;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;
use testbed::memory::resident;
use testbed::servers::{Synapse, SynapseOptions};
use tokio::time::Instant;

use super::bench::RoomKind;
use super::bench::figures::{Figures, Latencies, Table};
use super::machine::{self, Extent};
use super::section::section;
use super::server::{Homeserver, Identity, Place, Server, release_or};
use agent::Agent;
use peer::{Room, Script};

/// Number of gateway requests at the same time.
const POSTS: usize = 16;
/// Number of messages whose latency is measured one by one.
const TIMED: usize = 200;
/// Number of messages of a burst over as many rooms.
const BURST: usize = 1_000;
/// Number of rooms that the peer makes.
const PEER_ROOMS: usize = 200;
/// Number of rooms in which the peer works at the same time: as many as the program has lanes at work.
const PEERS: usize = 8;
/// Maximum time for one message of a measurement.
const SOON: Duration = Duration::from_mins(2);
/// Maximum time for a room, its messages and the agent's joining.
const EACH_ROOM: Duration = Duration::from_secs(5);
/// Maximum time until no work waits, at least, and the interval between two looks.
const SETTLED: Duration = Duration::from_mins(30);
const LOOK: Duration = Duration::from_millis(500);
const SERVER_NAME: &str = "localhost";
const BOT: &str = "desk";
const PASSWORD: &str = "many-rooms";

/// Makes `count` rooms of a kind with the program, measures, and prints the figures.
pub async fn run(program: Option<PathBuf>, count: usize, kind: RoomKind) -> Result<()> {
    if kind == RoomKind::Encrypted {
        bail!("the agent of this measurement has no keys; choose --rooms plain or service");
    }
    machine::prepare(Extent::Demo).await?;
    let program = release_or(program).await?;
    let place = Place::new()?;
    let mut registrations = vec![peer::registration()];
    if kind == RoomKind::Service {
        registrations.push(place.registration(&program, SERVER_NAME).await?.into());
    }
    let options = SynapseOptions {
        registrations,
        ..SynapseOptions::default()
    };
    let synapse = section("homeserver", Synapse::start(options)).await?;
    synapse.register(BOT, PASSWORD).await?;
    let agent = Agent::start(&synapse, "anna").await?;
    let script = Script::start(&synapse).await?;
    let homeserver = Homeserver {
        url: synapse.url(),
        identity: match kind {
            RoomKind::Service => Identity::Service,
            RoomKind::Plain | RoomKind::Encrypted => Identity::Bot {
                user: BOT,
                password: PASSWORD,
                encrypted: false,
            },
        },
        agents: agent.user_id.clone(),
    };
    let server = section(
        "server",
        Server::start(&program, place, "http://127.0.0.1:9", Some(&homeserver)),
    )
    .await?;
    let many = Many {
        server,
        agent,
        script,
        count,
        written: AtomicUsize::new(0),
        _synapse: synapse,
    };
    let figures = tokio::select! {
        measured = many.measure() => measured?,
        ended = many.agent.follow() => return ended.context("the agent's client"),
    };
    println!("{}", Table::of(&[(program.display().to_string(), vec![figures])]));
    Ok(())
}

struct Many {
    server: Server,
    agent: Agent,
    script: Script,
    count: usize,
    /// Number of messages that customers have written.
    written: AtomicUsize,
    _synapse: Synapse,
}

impl Many {
    async fn measure(&self) -> Result<Figures> {
        let mut figures = Figures::default();
        figures.memory("server, idle", resident(self.server.pid().await)?);
        let peers = section("the peer's rooms", self.peers(&mut figures)).await?;
        section("rooms", self.make(&mut figures)).await?;
        section("settling", self.settle()).await?;
        section("latency", self.latency(&mut figures, &peers, "")).await?;
        section("burst", self.burst(&mut figures, &peers)).await?;
        section("settling", self.settle()).await?;
        section("restart", self.restart(&mut figures)).await?;
        let again = self.latency(&mut figures, &peers, " after the start");
        section("latency after the start", again).await?;
        Ok(figures)
    }

    /// Lets the peer make rooms.
    async fn peers(&self, figures: &mut Figures) -> Result<Vec<Room>> {
        let count = PEER_ROOMS.min(self.count);
        let start = Instant::now();
        let rooms = (0..count).map(|number| async move {
            let text = format!("peer {number}");
            self.script.room(number, &self.agent.user_id, &text).await
        });
        let rooms: Vec<Room> = stream::iter(rooms).buffer_unordered(PEERS).try_collect().await?;
        let shown = self.agent.until(
            count,
            |text| text.starts_with("peer "),
            EACH_ROOM * u32::try_from(count)?,
        );
        figures.rate("peer: rooms by a plain loop", count, shown.await? - start);
        Ok(rooms)
    }

    /// Lets every customer write once, and waits until the agent's client shows all of it.
    async fn make(&self, figures: &mut Figures) -> Result<()> {
        let start = Instant::now();
        self.all_write("first", self.count).await?;
        figures.rate("messages accepted", self.count, start.elapsed());
        let patience = EACH_ROOM * u32::try_from(self.count)?;
        let mut shown = 0;
        // Said a tenth at a time, so that it is seen whether the pace falls as the rooms grow more.
        while shown < self.count {
            let (from, before) = (Instant::now(), shown);
            shown = (shown + self.count.div_ceil(10)).min(self.count);
            self.agent
                .until(shown, |text| text.starts_with("first "), patience)
                .await?;
            figures.rate(&format!("rooms, up to {shown}"), shown - before, from.elapsed());
            figures.memory("server", resident(self.server.pid().await)?);
        }
        figures.rate("rooms in all", self.count, start.elapsed());
        Ok(())
    }

    /// Sends one message at a time through the program and one past it, each into a room of its own.
    async fn latency(&self, figures: &mut Figures, peers: &[Room], when: &str) -> Result<()> {
        let (mut ours, mut peer) = (Latencies::default(), Latencies::default());
        let step = (self.count / TIMED).max(1);
        for (number, customer) in (0..self.count).step_by(step).take(TIMED).enumerate() {
            let text = format!("timed{when} {number}");
            let start = Instant::now();
            let shown = self.agent.until(1, |shown| shown == text, SOON);
            let ((), shown) = tokio::try_join!(self.write(customer, &text), shown)?;
            ours.add(shown - start);
            let text = format!("plain{when} {number}");
            let room = &peers[number % peers.len()];
            let start = Instant::now();
            let shown = self.agent.until(1, |shown| shown == text, SOON);
            let ((), shown) = tokio::try_join!(self.script.write(room, &text), shown)?;
            peer.add(shown - start);
        }
        figures.latency(&format!("gateway → agent's client{when}"), &ours);
        figures.latency(&format!("peer: plain send → agent's client{when}"), &peer);
        figures.ratio(&format!("ours, of the peer's{when}"), &ours, &peer);
        figures.memory(&format!("server{when}, steady"), resident(self.server.pid().await)?);
        Ok(())
    }

    /// Sends many messages at once through the program, then as many past it.
    async fn burst(&self, figures: &mut Figures, peers: &[Room]) -> Result<()> {
        let count = BURST.min(self.count);
        let start = Instant::now();
        self.all_write("burst", count).await?;
        let shown = self
            .agent
            .until(count, |text| text.starts_with("burst "), SOON * 5)
            .await?;
        figures.rate("messages into rooms", count, shown - start);
        let start = Instant::now();
        let sends = peers.iter().cycle().take(count).enumerate().map(|(number, room)| {
            let text = format!("loop {number}");
            async move { self.script.write(room, &text).await }
        });
        stream::iter(sends).buffer_unordered(PEERS).try_collect::<()>().await?;
        let shown = self
            .agent
            .until(count, |text| text.starts_with("loop "), SOON * 5)
            .await?;
        figures.rate("peer: messages by a plain loop", count, shown - start);
        Ok(())
    }

    /// Ends the server and starts it again, and measures the time until it answers and until a message is shown.
    async fn restart(&self, figures: &mut Figures) -> Result<()> {
        let end = Instant::now();
        self.server.end().await?;
        figures.duration("end", end.elapsed());
        let start = Instant::now();
        self.server.start_again().await?;
        figures.duration("start, until it answers", start.elapsed());
        let shown = self.agent.until(1, |text| text == "started", SOON);
        tokio::try_join!(self.write(0, "started"), shown)?;
        figures.duration("start, until a message is shown", start.elapsed());
        Ok(())
    }

    /// Waits until no work waits for Matrix.
    async fn settle(&self) -> Result<()> {
        let start = Instant::now();
        let patience = SETTLED.max(EACH_ROOM * u32::try_from(self.count)?);
        loop {
            let status = self.server.get("/api/v1/status").await?;
            let waiting = status["outbox"]["waiting"]
                .as_array()
                .context("a status without its outbox")?;
            if waiting.iter().all(|work| work["waiting"] == 0) {
                return Ok(());
            }
            ensure!(start.elapsed() < patience, "work still waits: {}", status["outbox"]);
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn all_write(&self, word: &str, count: usize) -> Result<()> {
        let posts = (0..count).map(|customer| {
            let text = format!("{word} {customer}");
            async move { self.write(customer, &text).await }
        });
        stream::iter(posts).buffer_unordered(POSTS).try_collect().await
    }

    /// Tells the server of a customer's message, as an outside gateway does.
    async fn write(&self, customer: usize, text: &str) -> Result<()> {
        let body = json!({
            "phone": format!("4477{customer:08}"), "name": format!("Customer {customer}"), "content": text,
            "whatsapp_id": format!("3EB0{:016X}", self.written.fetch_add(1, Ordering::Relaxed)),
        });
        self.server.post("/messages/inbox", &body).await?;
        Ok(())
    }
}
