//! `cargo xtask bench`: measures the whole program with real parts, as its users experience it: latency from a
//! customer's phone to an integrator's WebSocket and to an agent's room, throughput in a burst, and memory.
//!
//! Where there is a peer to compare with, it is measured in the same run: the same homeserver and clients without the
//! program.

pub mod figures;
pub mod socket;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use testbed::agents::{Agent, Client, Content, Mirror, NewRoom};
use testbed::memory;
use testbed::servers::{Synapse, SynapseOptions};
use testbed::standin::{Customer, Options, StandIn};
use tokio::time::Instant;

use super::machine::{self, Extent};
use super::section::section;
use super::server::{Homeserver, Identity, Place, Profile, Server};
use figures::{Figures, Latencies, Table};
use socket::Socket;

const CUSTOMERS: usize = 20;
/// Number of messages whose latency is measured one by one.
const TIMED: usize = 300;
/// Number of messages after which the memory is measured again.
const MANY: usize = 10_000;
/// Number of messages of a burst, over all customers.
const BURST: usize = 4_000;
const PATIENCE: Duration = Duration::from_mins(10);
const BOT: &str = "desk";
const PASSWORD: &str = "bench";
const SERVER_NAME: &str = "localhost";

/// Kinds of rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RoomKind {
    /// Of a bot, encrypted.
    Encrypted,
    /// Of a bot, not encrypted.
    Plain,
    /// Of an application service.
    Service,
}

/// Measures each program, `rounds` times in turn, and prints the table of medians. Without a program, a release build of
/// this repository is built and measured.
pub async fn run(programs: Vec<PathBuf>, rounds: u32, rooms: RoomKind) -> Result<()> {
    machine::prepare(Extent::Demo).await?;
    let programs = if programs.is_empty() {
        section("build", Profile::Release.build()).await?;
        vec![Profile::Release.program()?]
    } else {
        programs
    };
    let mut measured: Vec<(String, Vec<Figures>)> = programs
        .iter()
        .map(|program| (program.display().to_string(), vec![]))
        .collect();
    for _ in 0..rounds {
        for (program, (_, runs)) in programs.iter().zip(&mut measured) {
            runs.push(measure(program, rooms).await?);
        }
    }
    println!("{}", Table::of(&measured));
    Ok(())
}

/// Makes all measurements of one program, on servers and a database of their own.
async fn measure(program: &Path, kind: RoomKind) -> Result<Figures> {
    let desk = section("start", Desk::start(program, kind)).await?;
    let mut figures = Figures::default();
    figures.memory("server, idle", memory::resident(desk.server.pid().await)?);
    figures.memory(
        "server and idle browser, proportional",
        memory::of_family(desk.server.pid().await)?,
    );
    let rooms = section("rooms", desk.rooms()).await?;
    let ours = section("latency", desk.latency(&rooms, &mut figures)).await?;
    let peer = section("matrix alone", desk.matrix_alone(&mut figures)).await?;
    figures.ratio("ours into the room, of the peer's", &ours, &peer);
    section("burst", desk.burst(&rooms, &mut figures)).await?;
    figures.memory("server, after the burst", memory::resident(desk.server.pid().await)?);
    figures.memory(
        "its browser and driver",
        memory::of_descendants(desk.server.pid().await)?,
    );
    section("many", desk.many(&rooms)).await?;
    figures.memory(
        "server and browser after 10,000 messages, proportional",
        memory::of_family(desk.server.pid().await)?,
    );
    Ok(figures)
}

/// All parts, linked and ready. Fields are dropped in order: the server first, then what it depends on.
struct Desk {
    kind: RoomKind,
    server: Server,
    anna: Agent,
    ben: Agent,
    standin: StandIn,
    _synapse: Synapse,
}

impl Desk {
    async fn start(program: &Path, kind: RoomKind) -> Result<Self> {
        let standin = StandIn::start(Options::default()).await?;
        let place = Place::new()?;
        let mut options = SynapseOptions::default();
        if kind == RoomKind::Service {
            let registration = place.registration(program, SERVER_NAME).await?;
            options.registrations.push(registration.into());
        }
        let synapse = Synapse::start(options).await?;
        for user in [BOT, "anna", "ben"] {
            synapse.register(user, PASSWORD).await?;
        }
        let url = synapse.url();
        let log_in = async |user| Agent::start(Client::Js, &url, user, PASSWORD).await;
        let (anna, ben) = tokio::try_join!(log_in("anna"), log_in("ben"))?;
        let homeserver = Homeserver {
            url: synapse.url(),
            identity: match kind {
                RoomKind::Service => Identity::Service,
                RoomKind::Encrypted | RoomKind::Plain => Identity::Bot {
                    user: BOT,
                    password: PASSWORD,
                    encrypted: kind == RoomKind::Encrypted,
                },
            },
            agents: anna.user_id().to_owned(),
        };
        let server = Server::start(program, place, &standin.url(), Some(&homeserver)).await?;
        server.log_in(&standin.phone()).await?;
        Ok(Self {
            kind,
            server,
            anna,
            ben,
            standin,
            _synapse: synapse,
        })
    }

    /// Lets every customer write once, so that each gets a room. Returns the customers with their rooms.
    async fn rooms(&self) -> Result<Vec<(Customer, String)>> {
        let mut rooms = Vec::new();
        for number in 0..CUSTOMERS {
            let name = format!("Customer {number}");
            let customer = self.standin.customer(&name, &format!("4477011{number:05}"));
            let word = format!("first words of {number}.");
            customer.write(&word);
            let shown = |mirror: &Mirror| {
                let mut all = mirror.rooms().flat_map(|room| mirror.messages(&room.room_id));
                all.find(|message| message.body().contains(&word))
                    .map(|message| message.room_id.clone())
            };
            rooms.push((customer, self.anna.until(&word, PATIENCE, shown).await?));
        }
        Ok(rooms)
    }

    /// Sends one message at a time, and measures the time until each receiver has it.
    async fn latency(&self, rooms: &[(Customer, String)], figures: &mut Figures) -> Result<Latencies> {
        let mut socket = Socket::connect(&self.server).await?;
        let (mut to_socket, mut to_room) = (Latencies::default(), Latencies::default());
        for (number, (customer, room)) in rooms.iter().cycle().take(TIMED).enumerate() {
            let word = format!("timed {number}.");
            let start = Instant::now();
            customer.write(&word);
            let on_socket = async {
                socket.until_received(|content| content == word).await?;
                anyhow::Ok(start.elapsed())
            };
            let in_room = async {
                let shown = |message: &testbed::agents::Message| message.body().contains(&word);
                self.anna.until_message(room, shown, PATIENCE).await?;
                anyhow::Ok(start.elapsed())
            };
            let (socket_took, room_took) = tokio::try_join!(on_socket, in_room)?;
            to_socket.add(socket_took);
            to_room.add(room_took);
        }
        figures.latency("customer's phone → WebSocket", &to_socket);
        figures.latency(&format!("customer's phone → {} room", self.room()), &to_room);
        Ok(to_room)
    }

    /// Returns the word for the kind of rooms.
    const fn room(&self) -> &'static str {
        match self.kind {
            RoomKind::Encrypted => "encrypted",
            RoomKind::Plain => "plain",
            RoomKind::Service => "service's",
        }
    }

    /// Measures the peer: one person writes to another through the same homeserver, in a room like ours, without the program.
    async fn matrix_alone(&self, figures: &mut Figures) -> Result<Latencies> {
        let room = NewRoom {
            name: "Peers",
            encrypted: self.kind == RoomKind::Encrypted,
            invite: &[self.anna.user_id()],
        };
        let room = self.ben.create_room(room).await?;
        let both = |seen: &testbed::agents::Room| seen.room_id == room && seen.members.len() == 2;
        self.ben.until_room_where("the peers' room", both, PATIENCE).await?;
        self.ben.send(&room, Content::text("first words.")).await?;
        self.anna.until_text(&room, "first words.", PATIENCE).await?;
        let mut taken = Latencies::default();
        for number in 0..TIMED {
            let word = format!("peer {number}.");
            let start = Instant::now();
            let sent = self.ben.send(&room, Content::text(&word));
            let seen = self.anna.until_text(&room, &word, PATIENCE);
            let seen = async { seen.await.map(|_| start.elapsed()) };
            taken.add(tokio::try_join!(sent, seen)?.1);
        }
        figures.latency("peer: client → client, same homeserver", &taken);
        Ok(taken)
    }

    /// Sends messages until there are [`MANY`] in all, in batches small enough for the desk to keep up.
    async fn many(&self, rooms: &[(Customer, String)]) -> Result<()> {
        let mut socket = Socket::connect(&self.server).await?;
        let left = MANY.saturating_sub(rooms.len() + TIMED + BURST);
        let portion = 25 * rooms.len();
        for number in 0..left.div_ceil(portion) {
            let word = format!("many {number}.");
            for (customer, _) in rooms {
                customer.write_many((0..25).map(|_| word.clone()));
            }
            for _ in 0..portion {
                socket.until_received(|content| content == word).await?;
            }
        }
        Ok(())
    }

    /// Lets all customers write at once.
    async fn burst(&self, rooms: &[(Customer, String)], figures: &mut Figures) -> Result<()> {
        let mut socket = Socket::connect(&self.server).await?;
        let each = BURST / rooms.len();
        let start = Instant::now();
        for (customer, _) in rooms {
            customer.write_many((0..each).map(|number| format!("burst {number}.")));
        }
        let on_socket = async {
            let mut heard = HashMap::new();
            while heard.values().sum::<usize>() < each * rooms.len() {
                let content = socket.until_received(|content| content.starts_with("burst ")).await?;
                *heard.entry(content).or_insert(0) += 1;
            }
            anyhow::Ok(start.elapsed())
        };
        let in_rooms = async {
            let last = format!("burst {}.", each - 1);
            for (_, room) in rooms {
                let shown = |message: &testbed::agents::Message| message.body().contains(&last);
                self.anna
                    .until_message(room, shown, PATIENCE)
                    .await
                    .context("the burst's end in a room")?;
            }
            anyhow::Ok(start.elapsed())
        };
        let (stored, shown) = tokio::try_join!(on_socket, in_rooms)?;
        figures.rate("messages stored and on the WebSocket", each * rooms.len(), stored);
        let what = format!("messages in {} rooms", self.room());
        figures.rate(&what, each * rooms.len(), shown);
        Ok(())
    }
}
