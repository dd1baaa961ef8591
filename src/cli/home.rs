//! The data folder, locked by this process, and the database: needed by commands that work without a server.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::{Exit, Fault, Shell, exit};
use crate::api::keys;
use crate::api::secret;
use crate::clock::SystemClock;
use crate::config::{Config, DataDir, DataDirError, DataDirLock};
use crate::contract::Scope;
use crate::domain::Clock;
use crate::store::{Holder, OpenOptions, Store, StoreError};

/// The locked data folder and the open database. The lock is released when this is dropped.
pub struct Home {
    pub folder: DataDir,
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    _lock: DataDirLock,
}

impl Home {
    /// Locks the folder and opens the database. `what` names this command in the error that a second process gets.
    pub async fn open(config: &Config, what: &str) -> anyhow::Result<Self> {
        let folder = DataDir::open(&config.data_dir)?;
        let lock = folder.lock(what)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let url = config.database_url.read()?;
        let options = OpenOptions {
            readers: config.database_readers,
            ..OpenOptions::new(url.expose())
        };
        let store = options.open(clock.clone()).await.map_err(fault)?;
        Ok(Self {
            folder,
            store,
            clock,
            _lock: lock,
        })
    }

    /// Opens the folder for a command whose request to the server failed with `unanswered`. Returns that error unless
    /// no server can be reached, or none has ever run here.
    pub async fn without_server(shell: &Shell, what: &str, unanswered: anyhow::Error) -> anyhow::Result<Self> {
        let config = &shell.config;
        let no_key_yet = !config.data_dir.join("admin.key").exists() && config.api_key.is_none();
        if exit::code(&unanswered) != Exit::Unreachable && !no_key_yet {
            return Err(unanswered);
        }
        match Self::open(config, what).await {
            // Another process holds the folder, so there is a server; that it cannot be reached is the error to
            // report.
            Err(held) if matches!(held.downcast_ref(), Some(DataDirError::Held { .. })) => Err(unanswered),
            opened => opened,
        }
    }

    /// Returns the name under which this process holds the leases of accounts (rule 26).
    pub fn holder(&self) -> anyhow::Result<Holder> {
        let (pid, path) = (std::process::id(), self.folder.path().display());
        Ok(Holder {
            folder: self.folder.id()?,
            process: format!("process {pid} in {path}"),
        })
    }

    /// Returns a function that tells whether the holder of a lease is alive: whether its data folder is locked. `None` if
    /// the folder is not on this machine. This process's own folder does not count, because nobody else can hold it.
    pub fn is_alive(&self) -> anyhow::Result<impl Fn(&Holder) -> Option<bool> + Send + Sync + 'static> {
        let own = self.folder.id()?;
        Ok(move |holder: &Holder| {
            if holder.folder == own {
                return Some(false);
            }
            let (_, path) = holder.process.split_once(" in ")?;
            DataDir::is_held(Path::new(path), &holder.folder)
        })
    }

    /// Creates the administrator's key at the first start. Stores the existing key again for a new database.
    pub async fn admin_key(&self) -> anyhow::Result<()> {
        let path = self.folder.admin_key();
        let key = match std::fs::read_to_string(&path) {
            Ok(key) if secret::is_key(key.trim()) => key.trim().to_owned(),
            Ok(_) => return Err(no_key(&path).into()),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => return Err(no_key(&path).into()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key = secret::new_key()?;
                write_secret(&path, &key).with_context(|| format!("writing {}", path.display()))?;
                key
            }
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        keys::adopt(&self.store, "admin", Scope::Admin, &key).await?;
        Ok(())
    }
}

/// Returns the error for a file that is there and holds no key, for example because the disk was full when it was written.
fn no_key(path: &Path) -> Fault {
    let path = path.display();
    Fault::new(
        Exit::Failed,
        format!(
            "{path} does not hold a key (crm_ and 43 characters); put the key back, or delete the file and the next start \
             makes a new one"
        ),
    )
}

/// Writes a secret atomically, readable by its owner only.
pub fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    std::fs::rename(fresh, path)
}

/// Maps an error of the database to an exit code.
#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
pub fn fault(error: StoreError) -> anyhow::Error {
    let exit = match &error {
        StoreError::Unreachable(_) => Exit::Unreachable,
        StoreError::Busy(_) | StoreError::NotEmpty => Exit::Conflict,
        StoreError::BadAddress(_) => Exit::Usage,
        _ => Exit::Failed,
    };
    Fault::new(exit, error.to_string()).into()
}
