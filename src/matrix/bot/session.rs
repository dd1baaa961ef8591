//! Files that survive a restart: the session, the store of rooms and encryption keys, and the key that opens it. The
//! three belong together; if one is lost, the bot has to log in as a new device.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use matrix_sdk::authentication::matrix::MatrixSession;

const SESSION: &str = "session.json";
const KEY: &str = "store.key";
const STORE: &str = "store";
/// File that orders a new key backup.
const NEW_BACKUP: &str = "new-backup";
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// Length of the key that encrypts the store, in bytes.
pub(super) const KEY_LENGTH: usize = 32;

/// Deletes the session, the encryption keys and everything else in the folder of [`crate::matrix::MatrixOptions`]; the
/// next start logs in as a new device. No process may be using the folder.
pub fn reset(folder: &Path) -> io::Result<()> {
    // The session first: what an interrupted reset leaves must not look like a working session.
    for file in [SESSION, KEY] {
        ignore_missing(std::fs::remove_file(folder.join(file)))?;
    }
    ignore_missing(std::fs::remove_dir_all(folder.join(STORE)))
}

/// Orders the next start to begin a new key backup in place of the one at the homeserver.
pub fn order_new_backup(folder: &Path) -> io::Result<()> {
    let folder = SessionFolder::open(folder)?.folder;
    write_private(&folder.join(NEW_BACKUP), b"")
}

/// Returns whether a new key backup was ordered.
pub(super) fn wants_new_backup(folder: &Path) -> bool {
    folder.join(NEW_BACKUP).exists()
}

/// Notes that the new key backup is there.
pub(super) fn end_new_backup(folder: &Path) -> io::Result<()> {
    ignore_missing(std::fs::remove_file(folder.join(NEW_BACKUP)))
}

/// Writes a file that only its owner can read, so that a power cut leaves the old one or the whole new one.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(FILE_MODE)
        .open(&draft)?;
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(draft, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// The adapter's folder.
pub(super) struct SessionFolder {
    folder: PathBuf,
}

impl SessionFolder {
    /// Creates the folder if it is missing, and sets its mode to 0700.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
        std::fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE))?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Reads the session, if there is one.
    pub(super) fn session(&self) -> io::Result<Option<MatrixSession>> {
        let bytes = match std::fs::read(self.folder.join(SESSION)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        Ok(Some(serde_json::from_slice(&bytes)?))
    }

    /// Stores the session.
    pub(super) fn store_session(&self, session: &MatrixSession) -> io::Result<()> {
        self.write(SESSION, &serde_json::to_vec(session)?)
    }

    /// Returns the key that opens the store; stores `fresh` as the key if there is none.
    pub(super) fn key(&self, fresh: [u8; KEY_LENGTH]) -> io::Result<[u8; KEY_LENGTH]> {
        let path = self.folder.join(KEY);
        if !path.exists() {
            self.write(KEY, &fresh)?;
        }
        let mut key = [0; KEY_LENGTH];
        File::open(path)?.read_exact(&mut key)?;
        Ok(key)
    }

    /// Returns the folder of the store, created if missing.
    pub(super) fn store(&self) -> io::Result<PathBuf> {
        let store = self.folder.join(STORE);
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&store)?;
        Ok(store)
    }

    /// Returns the folder of the store, emptied. Without a session an old store is useless: it belongs to a device
    /// whose access token is lost.
    pub(super) fn new_store(&self) -> io::Result<PathBuf> {
        ignore_missing(std::fs::remove_dir_all(self.folder.join(STORE)))?;
        self.store()
    }

    /// Writes a file of the folder.
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        write_private(&self.folder.join(name), bytes)
    }
}

fn ignore_missing(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::{owned_device_id, owned_user_id};
    use matrix_sdk::{SessionMeta, SessionTokens};

    use super::*;

    fn session() -> MatrixSession {
        MatrixSession {
            meta: SessionMeta {
                user_id: owned_user_id!("@desk:localhost"),
                device_id: owned_device_id!("DESK"),
            },
            tokens: SessionTokens {
                access_token: "token".to_owned(),
                refresh_token: None,
            },
        }
    }

    #[test]
    fn session_files_are_private_and_resettable() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("matrix");
        let kept = SessionFolder::open(&folder).unwrap();
        assert!(kept.session().unwrap().is_none());
        kept.store_session(&session()).unwrap();
        assert_eq!(kept.key([1; KEY_LENGTH]).unwrap(), [1; KEY_LENGTH]);
        assert_eq!(
            kept.key([2; KEY_LENGTH]).unwrap(),
            [1; KEY_LENGTH],
            "the first key stays"
        );
        kept.store().unwrap();
        assert_eq!(kept.session().unwrap(), Some(session()));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join("store")), 0o700);
        assert_eq!(mode(&folder.join("session.json")), 0o600);
        assert_eq!(mode(&folder.join("store.key")), 0o600);

        reset(&folder).unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        reset(&folder).unwrap();
    }

    #[test]
    fn folder_readable_by_others_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        SessionFolder::open(folder.path()).unwrap();
        let mode = std::fs::metadata(folder.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
