//! The key backup: the keys of encrypted rooms, and the bot's identity, at the homeserver, encrypted with the recovery key. A
//! bot whose folder is lost logs in as a new device, and with the recovery key it reads what it could read before and is
//! trusted as before.
//!
//! The recovery key lies beside the folder, so that it is not lost with it. It is written once the homeserver has what it
//! opens; a crash in between leaves none, and the next start makes another, as long as the folder is whole.

use std::io;
use std::path::Path;

use matrix_sdk::Client;
use matrix_sdk::encryption::recovery::RecoveryError;

use super::sdk_sync::{self, SdkSync};
use super::session::{end_new_backup, wants_new_backup, write_private};
use crate::matrix::options::{MatrixOptions, Password};
use crate::matrix::wire::Fault;

/// Longest content of the file that is taken for a key, in bytes.
const MAX_KEY: u64 = 1024;

/// State of the key backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backup {
    /// Keys are backed up, and the recovery key opens the backup.
    On,
    /// The homeserver has a backup that our recovery key does not open, or that we have no key of.
    Foreign,
}

/// Reads the recovery key, if there is one.
pub fn recovery_key(file: &Path) -> io::Result<Option<Password>> {
    let found = match std::fs::metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found?,
    };
    if found.len() > MAX_KEY {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is too large for a recovery key",
        ));
    }
    let text = std::fs::read_to_string(file)?;
    let key = text.trim();
    Ok((!key.is_empty()).then(|| Password::new(key)))
}

/// Writes the recovery key, readable by its owner alone.
pub fn write_recovery_key(file: &Path, key: &Password) -> io::Result<()> {
    write_private(file, format!("{}\n", key.reveal()).as_bytes())
}

/// Fetches identity and backup of a bot whose folder is new, with the recovery key. Returns whether both are here now; if not,
/// the bot begins anew.
pub(super) async fn recover(client: &Client, options: &MatrixOptions, sdk: &SdkSync) -> Result<bool, Fault> {
    let Some(key) = read(options)? else { return Ok(false) };
    let encryption = client.encryption();
    if !encryption.secret_storage().is_enabled().await? {
        return Ok(false);
    }
    // It publishes the keys of our device, which can be signed only then.
    if sdk_sync::is_new(client).await? {
        sdk.initial(client).await?;
    }
    match encryption.recovery().recover_and_fix_backup(key.reveal()).await {
        Ok(()) => {
            tracing::info!("the bot's identity and key backup are recovered");
            Ok(true)
        }
        Err(error) => match fault(error) {
            passing @ (Fault::Network(_) | Fault::Busy { .. }) => Err(passing),
            why => {
                tracing::warn!("the recovery key does not open the bot's key backup: {why}");
                Ok(false)
            }
        },
    }
}

/// Turns the key backup on, if it is not. Needs the identity.
pub(super) async fn ensure(client: &Client, options: &MatrixOptions) -> Result<Backup, Fault> {
    let encryption = client.encryption();
    let (backups, recovery) = (encryption.backups(), encryption.recovery());
    let known = read(options)?;
    let is_fresh = wants_new_backup(&options.folder);
    if backups.are_enabled().await && !is_fresh {
        let key = match (encryption.secret_storage().is_enabled().await?, known) {
            (true, Some(_)) => return Ok(Backup::On),
            // The key was lost, or a crash came before it was written. The folder is whole, so there may be another.
            (true, None) => recovery.reset_key().await.map_err(fault)?,
            (false, _) => recovery.enable().await.map_err(fault)?,
        };
        store(options, key)?;
        return Ok(Backup::On);
    }
    if is_fresh {
        // In place of any that there is: a person has said so.
        backups.create().await?;
    } else if backups.fetch_exists_on_server().await? {
        let Some(key) = known else { return Ok(Backup::Foreign) };
        return match open(client, &key).await.map_err(fault) {
            Ok(()) if backups.are_enabled().await => Ok(Backup::On),
            Err(passing @ (Fault::Network(_) | Fault::Busy { .. })) => Err(passing),
            Ok(()) | Err(_) => Ok(Backup::Foreign),
        };
    }
    let key = recovery.enable().await.map_err(fault)?;
    store(options, key)?;
    Ok(Backup::On)
}

/// Opens a backup whose key came after the bot had begun anew: its identity there is replaced by the present one first, since
/// no other would be taken.
async fn open(client: &Client, key: &Password) -> Result<(), RecoveryError> {
    let storage = client.encryption().secret_storage();
    let opened = storage.open_secret_store(key.reveal()).await?;
    opened.export_secrets().await?;
    Ok(opened.import_secrets().await?)
}

fn read(options: &MatrixOptions) -> Result<Option<Password>, Fault> {
    let file = &options.recovery_key;
    recovery_key(file).map_err(|error| Fault::Refused(format!("{} cannot be read: {error}", file.display())))
}

fn store(options: &MatrixOptions, key: String) -> Result<(), Fault> {
    let file = &options.recovery_key;
    let written = write_recovery_key(file, &Password::new(key)).and_then(|()| end_new_backup(&options.folder));
    written.map_err(|error| Fault::Refused(format!("{} cannot be written: {error}", file.display())))?;
    tracing::info!(
        file = %file.display(),
        "the bot's keys are backed up at the homeserver; save the recovery key elsewhere (`crm matrix recovery-key`)"
    );
    Ok(())
}

fn fault(error: RecoveryError) -> Fault {
    match error {
        RecoveryError::Sdk(error) => error.into(),
        RecoveryError::SecretStorage(matrix_sdk::encryption::secret_storage::SecretStorageError::Sdk(error)) => {
            error.into()
        }
        other => Fault::Refused(other.to_string()),
    }
}
