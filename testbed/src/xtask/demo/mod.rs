//! `cargo xtask demo`: the whole program with real parts and fictional people, to be tried by hand.

mod people;

use anyhow::Result;
use testbed::agents::{Agent, Client};
use testbed::servers::{Synapse, SynapseOptions};
use testbed::standin::{Options, StandIn};
use tokio::signal::unix::{SignalKind, signal};

use super::machine::{self, Extent};
use super::section::section;
use super::server::{Homeserver, Identity, Place, Profile, Server};

/// Name of the temporary homeserver.
const SERVER_NAME: &str = "localhost";
/// Users on this temporary homeserver, each with their password.
const ANNA: (&str, &str) = ("anna", "anna-demo");
const BEN: (&str, &str) = ("ben", "ben-demo");

/// Runs the demo until it is interrupted.
pub async fn run() -> Result<()> {
    machine::prepare(Extent::Demo).await?;
    section("build", Profile::Dev.build()).await?;
    tokio::select! {
        played = play() => played,
        () = interrupted() => {
            eprintln!("\nEverything has ended; nothing is kept.");
            Ok(())
        }
    }
}

/// Starts all parts. Locals are dropped in reverse order, so the part that is started first ends last.
async fn play() -> Result<()> {
    let standin = StandIn::start(Options::default()).await?;
    let (program, place) = (Profile::Dev.program()?, Place::new()?);
    // The server is an application service: each customer is a user of their own.
    let registration = place.registration(&program, SERVER_NAME).await?;
    let options = SynapseOptions {
        registrations: vec![registration.into()],
        ..SynapseOptions::default()
    };
    let synapse = section("homeserver", Synapse::start(options)).await?;
    for (user, password) in [ANNA, BEN] {
        synapse.register(user, password).await?;
    }
    let log_in = async |client, (user, password)| Agent::start(client, &synapse.url(), user, password).await;
    let agents = async { tokio::try_join!(log_in(Client::Js, ANNA), log_in(Client::Nio, BEN)) };
    let (anna, ben) = section("agents", agents).await?;
    let homeserver = Homeserver {
        url: synapse.url(),
        identity: Identity::Service,
        agents: [anna.user_id(), ben.user_id()].join(","),
    };
    let server = section(
        "server",
        Server::start(&program, place, &standin.url(), Some(&homeserver)),
    )
    .await?;
    section("login", server.log_in(&standin.phone())).await?;
    eprintln!("{}", invitation(&standin, &synapse, &server));
    tokio::try_join!(
        people::customers(&standin),
        people::colleague(&ben, anna.user_id()),
        server.watch()
    )?;
    Ok(())
}

/// Waits for Ctrl-C or SIGTERM.
async fn interrupted() {
    let Ok(mut term) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
    }
    eprintln!("\nEnding in order…");
}

fn invitation(standin: &StandIn, synapse: &Synapse, server: &Server) -> String {
    let [anna, ben] = [ANNA, BEN].map(|(user, password)| format!("{user:<6} password {password}"));
    format!(
        "
It runs, and the customers begin to write.

  A Matrix client (Element, say), as an agent would use it:
      homeserver   {homeserver}
      user         {anna}    (yours to play)
      user         {ben}    (a colleague: greets who writes for the first time)
      What you write in a customer's room reaches the customer.

  The shell, in another terminal:
      export PATH={programs}:$PATH CRM_DATA_DIR={data} CRM_URL={url}
      crm status
      crm customer list
      crm tail --since 0
      crm send {number} 'Your order is ready' --wait read
      crm export messages --format csv

  The customers' side of it (the stand-in for WhatsApp), and what the first one's phone shows:
      curl -s {control}control/customers
      curl -s {control}control/customers/0/inbox

  The server's log:
      tail -f {log}

Ctrl-C ends it all.",
        homeserver = synapse.url(),
        programs = server.programs().display(),
        data = server.data().display(),
        url = server.url(),
        number = people::FIRST_NUMBER,
        control = standin.url(),
        log = server.log().display(),
    )
}
