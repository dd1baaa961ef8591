//! `cargo xtask picture`: makes the picture of the README, a conversation in a graphical Matrix client, with the whole
//! program, real parts and fictional people.

mod client;
mod scene;

pub use client::found;

use std::path::Path;

use anyhow::Result;
use serde_json::{Map, Value, json};
use testbed::agents::{Agent, Client};
use testbed::servers::{Synapse, SynapseOptions};
use testbed::standin::{Options, StandIn};

use super::machine::{self, Extent};
use super::section::section;
use super::server::{Homeserver, Identity, Place, Profile, Server};

const SERVER_NAME: &str = "localhost";
const USER: &str = "anna";
const PASSWORD: &str = "anna-picture";

/// Plays a conversation, and writes the picture that an agent's client shows of it.
pub async fn take(to: &Path) -> Result<()> {
    machine::prepare(Extent::Picture).await?;
    section("build", Profile::Dev.build()).await?;
    let standin = StandIn::start(Options::default()).await?;
    let (program, place) = (Profile::Dev.program()?, Place::new()?);
    let registration = place.registration(&program, SERVER_NAME).await?;
    let options = SynapseOptions {
        registrations: vec![registration.into()],
        configuration: for_client(),
        ..SynapseOptions::default()
    };
    let synapse = section("homeserver", Synapse::start(options)).await?;
    synapse.register(USER, PASSWORD).await?;
    let anna = section("agent", Agent::start(Client::Nio, &synapse.url(), USER, PASSWORD)).await?;
    let homeserver = Homeserver {
        url: synapse.url(),
        identity: Identity::Service,
        agents: anna.user_id().to_owned(),
    };
    let server = section(
        "server",
        Server::start(&program, place, &standin.url(), Some(&homeserver)),
    )
    .await?;
    section("login", server.log_in(&standin.phone())).await?;
    section("conversation", scene::play(&standin, &anna)).await?;
    section("picture", client::photograph(&synapse.url(), (USER, PASSWORD), to)).await
}

/// Returns what the graphical client needs of the homeserver: it knows neither newer rooms nor media that want a key.
fn for_client() -> Map<String, Value> {
    [
        ("default_room_version", json!("11")),
        ("enable_authenticated_media", json!(false)),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into_iter()
    .collect()
}
