//! Login: with the stored session, or with the password, and the store that belongs to it.

use std::io;
use std::path::Path;
use std::time::Duration;

use matrix_sdk::authentication::matrix::MatrixSession;
use matrix_sdk::config::{RequestConfig, StoreConfig};
use matrix_sdk::cross_process_lock::CrossProcessLockConfig;
use matrix_sdk::encryption::EncryptionSettings;
use matrix_sdk::{Client, SqliteCryptoStore, SqliteStateStore, SqliteStoreConfig};
use rand::TryRng as _;
use rand::rngs::SysRng;

use super::recovery::Backup;
use super::sdk_sync::SdkSync;
use super::send::caller;
use super::session::{KEY_LENGTH, SessionFolder};
use super::{cross_signing, recovery};
use crate::matrix::connection::LoginError;
use crate::matrix::options::MatrixOptions;
use crate::matrix::rooms;
use crate::matrix::wire::Fault;

/// Deadline of one request to the homeserver; a `/sync` gets its long-poll time on top.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Name of the bot's device in other clients.
const DEVICE_NAME: &str = "crm";
/// Advice on a key backup that we cannot open.
pub(super) const FOREIGN_BACKUP: &str = "the homeserver has a backup of the bot's keys that no recovery key here opens, so nothing \
    is added to it; put the key back with `crm matrix recovery-key --restore`, or begin a new backup with `crm matrix reset \
    --new-backup`, then start the server again";

/// Opens the stored session without any request, or logs in with the password if there is none.
pub(super) async fn open(options: &MatrixOptions) -> Result<Client, LoginError> {
    let unusable = |why: String| LoginError::Session {
        folder: options.folder.display().to_string(),
        why,
    };
    let stored = SessionFolder::open(&options.folder).map_err(|error| unusable(error.to_string()))?;
    let session = stored.session().map_err(|error| unusable(error.to_string()))?;
    if let Some(session) = &session
        && !is_of(session, &options.user)
    {
        return Err(unusable(format!(
            "it belongs to {}, but {} is configured",
            session.meta.user_id, options.user
        )));
    }
    let key = random_key()
        .and_then(|fresh| stored.key(fresh))
        .map_err(|error| unusable(error.to_string()))?;
    let store = if session.is_some() {
        stored.store()
    } else {
        stored.new_store()
    };
    let store = store.map_err(|error| unusable(error.to_string()))?;
    let client = build(options, &store, &key).await.map_err(unusable)?;
    if let Some(session) = session {
        let restored = client.restore_session(session).await;
        restored.map_err(|error| unusable(error.to_string()))?;
    } else {
        let session = log_in(&client, options).await?;
        stored
            .store_session(&session)
            .map_err(|error| unusable(error.to_string()))?;
    }
    Ok(client)
}

/// Checks that the homeserver knows our session, that our device is signed, and that its keys are backed up. Returns what of
/// it does not work although we are connected.
pub(super) async fn verify(
    client: &Client,
    options: &MatrixOptions,
    sdk: &SdkSync,
) -> Result<Option<String>, LoginError> {
    match client.whoami().await.map_err(Fault::from) {
        Ok(_) => {}
        Err(passing @ (Fault::Network(_) | Fault::Busy { .. })) => return Err(passing.into()),
        Err(Fault::LoggedOut(why)) => {
            return Err(LoginError::Session {
                folder: options.folder.display().to_string(),
                why: format!("the homeserver no longer knows it: {why}"),
            });
        }
        Err(fault) => return Err(LoginError::Refused(fault.to_string())),
    }
    Box::pin(rooms::check_version(caller(client)?, options.room_version.as_deref())).await?;
    match identify(client, options, sdk).await {
        Err(passing @ (Fault::Network(_) | Fault::Busy { .. })) => return Err(passing.into()),
        Err(fault) => {
            // Not fatal: agents see a warning beside our messages, which is better than no messages.
            tracing::warn!(
                "could not sign the bot's Matrix device: {fault}; agents will see a warning beside its messages"
            );
            return Ok(None);
        }
        Ok(()) => {}
    }
    if !options.encryption {
        return Ok(None);
    }
    match recovery::ensure(client, options).await {
        Ok(Backup::On) => Ok(None),
        Ok(Backup::Foreign) => Ok(Some(FOREIGN_BACKUP.to_owned())),
        Err(lost @ Fault::Network(_)) => Err(lost.into()),
        // Messages go on without a backup, and it is tried again soon.
        Err(fault) => Ok(Some(format!("the bot's keys are not backed up: {fault}"))),
    }
}

/// Gives our device an identity: the one from before, if the recovery key is here, else ours, else a new one.
async fn identify(client: &Client, options: &MatrixOptions, sdk: &SdkSync) -> Result<(), Fault> {
    let encryption = client.encryption();
    encryption.wait_for_e2ee_initialization_tasks().await;
    let status = encryption.cross_signing_status().await;
    if options.encryption && !status.is_some_and(|status| status.is_complete()) {
        recovery::recover(client, options, sdk).await?;
    }
    cross_signing::ensure(client, options).await
}

fn is_of(session: &MatrixSession, user: &str) -> bool {
    session.meta.user_id == user || session.meta.user_id.localpart() == user
}

async fn log_in(client: &Client, options: &MatrixOptions) -> Result<MatrixSession, LoginError> {
    let login = client
        .matrix_auth()
        .login_username(&options.user, options.password.reveal())
        .initial_device_display_name(DEVICE_NAME);
    match login.send().await.map_err(Fault::from) {
        Ok(response) => Ok((&response).into()),
        Err(passing @ (Fault::Network(_) | Fault::Busy { .. })) => Err(passing.into()),
        Err(fault) => Err(LoginError::Refused(fault.to_string())),
    }
}

async fn build(options: &MatrixOptions, store: &Path, key: &[u8; KEY_LENGTH]) -> Result<Client, String> {
    let config = SqliteStoreConfig::with_low_memory_config(store).key(Some(key));
    let state = SqliteStateStore::open_with_config(&config).await;
    let crypto = SqliteCryptoStore::open_with_config(&config).await;
    // The caches of events and media stay in memory and empty: nothing subscribes to them.
    let stores = StoreConfig::new(CrossProcessLockConfig::SingleProcess)
        .state_store(state.map_err(|error| error.to_string())?)
        .crypto_store(crypto.map_err(|error| error.to_string())?);
    Client::builder()
        .homeserver_url(&options.homeserver)
        .store_config(stores)
        .cross_process_store_config(CrossProcessLockConfig::SingleProcess)
        // The caller decides when to retry; the SDK would silently wait out a 429 for minutes.
        .request_config(RequestConfig::new().timeout(REQUEST_TIMEOUT).disable_retry())
        // The configured address is the one that we can reach.
        .respect_login_well_known(false)
        // Cross-signing and key backup are set up in `cross_signing` and `recovery`, keys fetched in `keys`.
        .with_encryption_settings(EncryptionSettings::default())
        .build()
        .await
        .map_err(|error| error.to_string())
}

/// Returns a random key from the operating system. It is a secret, so it must not come from a seeded generator.
fn random_key() -> io::Result<[u8; KEY_LENGTH]> {
    let mut key = [0; KEY_LENGTH];
    SysRng.try_fill_bytes(&mut key).map_err(io::Error::other)?;
    Ok(key)
}
