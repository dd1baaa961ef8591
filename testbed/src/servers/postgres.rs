//! A real PostgreSQL in a temporary folder.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::sync::OnceCell;

use super::Durability;
use super::account::Account;
use super::folder::Folder;
use super::launch::Launch;
use super::port::free_port;
use super::process::{Process, Signal};
use super::programs::find;

const READY: Duration = Duration::from_mins(1);
const USER: &str = "crm";

/// A running server. It accepts every connection on loopback without a password.
#[derive(Debug)]
pub struct Postgres {
    // Dropped in this order: first the process, then its folder.
    process: Process,
    launch: Launch,
    port: u16,
    databases: AtomicU32,
    account: Option<Account>,
    folder: Folder,
}

impl Postgres {
    /// Returns the path of the server's program, if it is installed.
    pub fn program() -> Result<PathBuf> {
        program("postgres")
    }

    /// Returns the server that all tests of this process share if they need only a database of their own. It ends with
    /// the process.
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<Postgres> = OnceCell::const_new();
        SHARED.get_or_try_init(|| Self::start(Durability::None)).await
    }

    /// Starts a server in a new folder and waits until it accepts connections.
    pub async fn start(durability: Durability) -> Result<Self> {
        let folder = Folder::new("postgres")?;
        let account = Account::for_server("postgres")?;
        if let Some(account) = account {
            account.own(folder.path())?;
        }
        let data = folder.path().join("data");
        Launch::new("initdb", program("initdb")?, folder.path())
            .account(account)
            .arguments([
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
                "-U",
                USER,
                "-D",
            ])
            .arguments([&data])
            .run()
            .await?;
        let port = free_port()?;
        let mut launch = Launch::new("PostgreSQL", program("postgres")?, folder.path())
            .account(account)
            .arguments([
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "unix_socket_directories=",
                "-c",
                "max_connections=200",
            ])
            .arguments(["-p".into(), port.to_string(), "-D".into(), data.display().to_string()])
            .ended_by(Signal::QUIT);
        if durability == Durability::None {
            launch = launch.arguments([
                "-c",
                "fsync=off",
                "-c",
                "synchronous_commit=off",
                "-c",
                "full_page_writes=off",
            ]);
        }
        let process = launch.start()?;
        let mut server = Self {
            process,
            launch,
            port,
            databases: AtomicU32::new(0),
            account,
            folder,
        };
        server.until_ready().await?;
        Ok(server)
    }

    /// Returns the address of the database that every server has, `postgres://…`.
    pub fn url(&self) -> String {
        self.address("postgres")
    }

    /// Creates an empty database and returns its address.
    pub async fn fresh_database(&self) -> Result<String> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.client("createdb")?.arguments([&name]).run().await?;
        Ok(self.address(&name))
    }

    /// Returns the server's process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Kills the server with SIGKILL; its backends notice that and end.
    pub fn kill_9(&mut self) {
        self.process.kill_9();
    }

    /// Ends the server if it runs, starts it in the same folder on the same port, and waits until it accepts
    /// connections.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill_9();
        // The backends hold the shared memory for a moment longer; until then the server would refuse to start.
        let _ = std::fs::remove_file(self.folder.path().join("data/postmaster.pid"));
        self.process = self.launch.start()?;
        self.until_ready().await
    }

    async fn until_ready(&mut self) -> Result<()> {
        let ready = self.client("pg_isready")?;
        self.process.until(READY, async || ready.run().await.is_ok()).await
    }

    fn address(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}", self.port)
    }

    fn client(&self, name: &'static str) -> Result<Launch> {
        let port = self.port.to_string();
        let client = Launch::new(name, program(name)?, self.folder.path()).account(self.account);
        Ok(client.arguments(["-h", "127.0.0.1", "-U", USER, "-p", &port]))
    }
}

/// Returns the path of a program of the newest installed version. Debian keeps the server's programs in a folder for
/// each version, off the `PATH`; the newest is used, so that server and clients have the same version.
fn program(name: &'static str) -> Result<PathBuf> {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = installed
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse::<u32>().ok()?,
                entry.path().join("bin").join(name),
            ))
        })
        .filter(|(_, program)| program.is_file())
        .max();
    match newest {
        Some((_, program)) => Ok(program),
        None => find(&[name], &[], "postgresql"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::is_running;

    #[tokio::test]
    async fn each_database_is_new_and_survives_kill() {
        if crate::servers::quick() {
            return;
        }
        let mut server = Postgres::start(Durability::None).await.unwrap();
        let first = server.fresh_database().await.unwrap();
        server.kill_9();
        assert!(server.fresh_database().await.is_err(), "a killed server answered");
        server.restart().await.unwrap();
        let second = server.fresh_database().await.unwrap();
        assert_ne!(first, second);
        let listed = server
            .client("psql")
            .unwrap()
            .arguments(["-d", "postgres", "-Atlq"])
            .run()
            .await
            .unwrap();
        for database in [first, second] {
            let name = database.rsplit('/').next().unwrap();
            assert!(listed.contains(&format!("{name}|")), "{name} is not in {listed}");
        }
        let pid = server.pid();
        drop(server);
        assert!(!is_running(pid), "the process outlived its owner");
    }
}
