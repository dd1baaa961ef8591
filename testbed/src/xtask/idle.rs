//! `cargo xtask idle`: what a server uses that has accounts and messages, and nothing to do. Its browsers are not counted.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;
use testbed::memory::resident;
use testbed::servers::Folder;
use testbed::standin::{Options, StandIn};

use super::bench::figures::{Figures, Table};
use super::machine::{self, Extent};
use super::section::section;
use super::server::{Place, Server, release_or};
use super::siege;

/// Messages for each customer.
const MESSAGES_EACH: u64 = 50;
/// Time in which the accounts become ready and compare their chats, and the time that is measured.
const SETTLE: Duration = Duration::from_mins(2);
const MEASURED: Duration = Duration::from_mins(2);
/// Unit of processor time in proc(5), the same on every Linux.
const TICKS_A_SECOND: u64 = 100;

/// Links `accounts` phones, fills the database with `messages`, and measures an idle server.
pub async fn run(program: Option<PathBuf>, accounts: u32, messages: u64) -> Result<()> {
    machine::prepare(Extent::Demo).await?;
    let program = release_or(program).await?;
    let standin = StandIn::start(Options::default()).await?;
    let server = Server::start(&program, Place::new()?, &standin.url(), None).await?;
    section("logins", log_in(&server, &standin, accounts)).await?;
    server.end().await?;
    let folder = Folder::new("idle")?;
    let rows = (messages.div_ceil(MESSAGES_EACH), messages);
    section("fill", siege::fill(&server.data().join("crm.db"), folder.path(), rows)).await?;
    server.start_again().await?;
    tokio::time::sleep(SETTLE).await;
    let pid = server.pid().await;
    let before = processor_time(pid)?;
    tokio::time::sleep(MEASURED).await;
    let used = processor_time(pid)?.saturating_sub(before);
    let mut figures = Figures::default();
    figures.share(
        &format!("processor, {accounts} accounts and {messages} messages"),
        used,
        MEASURED,
    );
    figures.memory("server", resident(pid)?);
    println!("{}", Table::of(&[(program.display().to_string(), vec![figures])]));
    Ok(())
}

async fn log_in(server: &Server, standin: &StandIn, accounts: u32) -> Result<()> {
    server.log_in(&standin.phone()).await?;
    for number in 1..accounts {
        let name = format!("account-{number}");
        server.post("/api/v1/accounts", &json!({"name": name})).await?;
        let phone = standin.add_phone(&name, &format!("4477009010{number:02}"));
        server.log_in_as(&phone, &name).await?;
    }
    Ok(())
}

/// Returns the processor time that a process has used, from proc(5).
pub(super) fn processor_time(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields = stat.rsplit_once(')').context("a process without its name")?.1;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    let ticks: u64 = ticks.sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(1000 * ticks / TICKS_A_SECOND))
}
