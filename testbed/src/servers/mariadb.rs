//! A real MariaDB in a temporary folder.

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
use super::process::Process;
use super::programs::find;

const READY: Duration = Duration::from_mins(1);
const USER: &str = "crm";
const PACKAGE: &str = "mariadb-server";

/// A running server, with its package's default character set and collation.
#[derive(Debug)]
pub struct MariaDb {
    // Dropped in this order: first the process, then its folder.
    process: Process,
    launch: Launch,
    port: u16,
    databases: AtomicU32,
    account: Option<Account>,
    folder: Folder,
}

impl MariaDb {
    /// Returns the path of the server's program, if it is installed.
    pub fn program() -> Result<PathBuf> {
        find(&["mariadbd"], &["/usr/sbin".into()], PACKAGE)
    }

    /// Returns the server that all tests of this process share if they need only a database of their own. It ends with
    /// the process.
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<MariaDb> = OnceCell::const_new();
        SHARED.get_or_try_init(|| Self::start(Durability::None)).await
    }

    /// Starts a server in a new folder and waits until it accepts connections.
    pub async fn start(durability: Durability) -> Result<Self> {
        let folder = Folder::new("mariadb")?;
        let account = Account::for_server("mysql")?;
        if let Some(account) = account {
            account.own(folder.path())?;
        }
        let data = format!("--datadir={}", folder.path().join("data").display());
        Launch::new(
            "mariadb-install-db",
            find(&["mariadb-install-db"], &[], PACKAGE)?,
            folder.path(),
        )
        .account(account)
        .arguments([
            "--no-defaults",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            &data,
        ])
        .run()
        .await?;
        let port = free_port()?;
        let mut launch = Launch::new("MariaDB", Self::program()?, folder.path())
            .account(account)
            .arguments([
                "--no-defaults",
                "--bind-address=127.0.0.1",
                "--skip-name-resolve",
                "--socket=socket",
                &data,
            ])
            .arguments([
                format!("--port={port}"),
                format!("--pid-file={}/pid", folder.path().display()),
            ]);
        if durability == Durability::None {
            launch = launch.arguments([
                "--innodb-flush-log-at-trx-commit=0",
                "--innodb-flush-method=nosync",
                "--innodb-doublewrite=0",
                "--sync-binlog=0",
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
        server
            .execute(&format!("CREATE USER {USER}; GRANT ALL ON *.* TO {USER}"))
            .await?;
        Ok(server)
    }

    /// Returns the address of a database that every server has, `mysql://…`.
    pub fn url(&self) -> String {
        self.address("mysql")
    }

    /// Creates an empty database and returns its address.
    pub async fn fresh_database(&self) -> Result<String> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute(&format!("CREATE DATABASE {name}")).await?;
        Ok(self.address(&name))
    }

    /// Returns the server's process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Kills the server with SIGKILL.
    pub fn kill_9(&mut self) {
        self.process.kill_9();
    }

    /// Kills the server if it runs, starts it in the same folder on the same port, and waits until it accepts
    /// connections.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill_9();
        self.process = self.launch.start()?;
        self.until_ready().await
    }

    async fn until_ready(&mut self) -> Result<()> {
        let query = self.query("SELECT 1")?;
        self.process.until(READY, async || query.run().await.is_ok()).await
    }

    async fn execute(&self, statement: &str) -> Result<String> {
        self.query(statement)?.run().await
    }

    fn address(&self, database: &str) -> String {
        format!("mysql://{USER}@127.0.0.1:{}/{database}", self.port)
    }

    /// Returns a client that executes a statement as root, over the socket in the folder.
    fn query(&self, statement: &str) -> Result<Launch> {
        let socket = format!("--socket={}", self.folder.path().join("data/socket").display());
        let client = Launch::new(
            "mariadb",
            find(&["mariadb"], &[], "mariadb-client")?,
            self.folder.path(),
        );
        Ok(client
            .account(self.account)
            .arguments(["--no-defaults", "-uroot", &socket, "--batch", "-e", statement]))
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
        let mut server = MariaDb::start(Durability::None).await.unwrap();
        let first = server.fresh_database().await.unwrap();
        server.kill_9();
        assert!(server.fresh_database().await.is_err(), "a killed server answered");
        server.restart().await.unwrap();
        let second = server.fresh_database().await.unwrap();
        assert_ne!(first, second);
        let listed = server.execute("SHOW DATABASES").await.unwrap();
        for database in [first, second] {
            let name = database.rsplit('/').next().unwrap();
            assert!(listed.contains(&format!("{name}\n")), "{name} is not in {listed}");
        }
        let pid = server.pid();
        drop(server);
        assert!(!is_running(pid), "the process outlived its owner");
    }
}
