//! The commands of `cargo xtask`.

mod bench;
mod demo;
mod followers;
mod fuzz;
mod house;
mod idle;
mod machine;
mod picture;
mod rooms;
mod section;
mod server;
mod siege;
mod test;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Set up this machine, and run the tests.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub struct Xtask {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install what a full test run needs, as far as this user may.
    Setup,
    /// Start everything with make-believe customers, to be tried by hand; Ctrl-C ends it.
    Demo,
    /// Measure latency, throughput and memory of a release build, beside Matrix alone.
    Bench {
        /// Measure these builds of crm in turn, and of two print the ratio; otherwise this repository's is built.
        programs: Vec<PathBuf>,
        /// How often each is measured; the medians are printed.
        #[arg(long, default_value_t = 1)]
        rounds: u32,
        /// Into rooms of which kind.
        #[arg(long, default_value = "encrypted")]
        rooms: bench::RoomKind,
    },
    /// Measure what many clients of a release build's WebSocket cost, idle and while events come.
    Followers {
        /// How many clients.
        #[arg(long, default_value_t = 1_000)]
        count: usize,
        /// The build of crm; otherwise this repository's is built.
        #[arg(long)]
        binary: Option<PathBuf>,
    },
    /// Search for what breaks the parser of the page's events.
    Fuzz {
        /// For how long, in seconds.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Ask a server everything that the description of its API allows, and more, with keys of each scope.
    FuzzApi {
        /// How many requests for each operation, besides those that its description suggests.
        #[arg(long, default_value_t = 50)]
        examples: u32,
    },
    /// Measure what a release build uses that has accounts and messages, and nothing to do.
    Idle {
        /// How many accounts, each with a browser.
        #[arg(long, default_value_t = 5)]
        accounts: u32,
        /// How many messages its database has.
        #[arg(long, default_value_t = 5_000_000)]
        messages: u64,
        /// The build of crm; otherwise this repository's is built.
        #[arg(long)]
        binary: Option<PathBuf>,
    },
    /// Print the measures of the sources' order.
    House {
        /// The repository, where it is not this one.
        path: Option<PathBuf>,
    },
    /// Take the README's picture: a conversation in a graphical Matrix client.
    Picture {
        /// The file to write.
        #[arg(default_value = "docs/room.png")]
        to: PathBuf,
    },
    /// Measure a release build with very many rooms on a homeserver of its own.
    Rooms {
        /// How many customers, each with a room.
        #[arg(long, default_value_t = 10_000)]
        count: usize,
        /// Rooms of which kind; not encrypted ones.
        #[arg(long, default_value = "service")]
        rooms: bench::RoomKind,
        /// The build of crm; otherwise this repository's is built.
        #[arg(long)]
        binary: Option<PathBuf>,
    },
    /// Besiege a release build with hostile clients, beside ordinary work; fails when a bound is broken.
    Siege {
        /// For how long, in minutes.
        #[arg(long, default_value_t = 10)]
        minutes: u64,
        /// The build of crm; otherwise this repository's is built.
        #[arg(long)]
        binary: Option<PathBuf>,
    },
    /// Check the format and the lints, and run every test.
    Test {
        /// Leave out what needs real servers: Chromium, Synapse, PostgreSQL, MariaDB.
        #[arg(long)]
        quick: bool,
    },
}

impl Xtask {
    pub async fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Setup => machine::prepare(machine::Extent::Full).await?,
            Command::Demo => demo::run().await?,
            Command::Bench {
                programs,
                rounds,
                rooms,
            } => bench::run(programs, rounds, rooms).await?,
            Command::Followers { count, binary } => followers::run(binary, count).await?,
            Command::Fuzz { seconds } => fuzz::run_for(Duration::from_secs(seconds)).await?,
            Command::FuzzApi { examples } => fuzz::ask_api(examples).await?,
            Command::Idle {
                accounts,
                messages,
                binary,
            } => idle::run(binary, accounts, messages).await?,
            Command::House { path } => house::measure(path.as_deref().unwrap_or_else(|| section::workspace()))?,
            Command::Picture { to } => picture::take(&to).await?,
            Command::Rooms { count, rooms, binary } => rooms::run(binary, count, rooms).await?,
            Command::Siege { minutes, binary } => siege::run(binary, Duration::from_secs(60 * minutes)).await?,
            Command::Test { quick: true } => test::run_all(machine::Extent::Build).await?,
            Command::Test { quick: false } => test::run_all(machine::Extent::Full).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn xtask_commands_are_well_formed() {
        super::Xtask::command().debug_assert();
    }
}
