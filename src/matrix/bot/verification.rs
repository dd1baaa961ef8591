//! Checks of the bot's login, identity and key backup, for `crm matrix verify`: what a start of the server does, with an answer
//! for people. No other process may be using the folder.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use matrix_sdk::Client;

use super::login;
use super::sdk_sync::SdkSync;
use super::session::SessionFolder;
use crate::matrix::connection::LoginError;
use crate::matrix::options::MatrixOptions;
use crate::matrix::service::{Checked, Judgement};

/// Deadline of a logout.
const LOGOUT_TIMEOUT: Duration = Duration::from_secs(15);

/// Logs in, signs our device and turns the key backup on, each if it is not so; returns how each stands.
///
/// Boxed here: the compiler gives up on its size further out.
pub fn verify(options: &MatrixOptions) -> BoxFuture<'_, Vec<Checked>> {
    verified(options).boxed()
}

async fn verified(options: &MatrixOptions) -> Vec<Checked> {
    let mut found = vec![];
    match login::open(options).await {
        Err(error) => found.push(bad("login", &error)),
        Ok(client) => match login::verify(&client, options, &SdkSync::default()).await {
            Err(error) => found.push(bad("login", &error)),
            Ok(trouble) => {
                let user = client.user_id().map(ToString::to_string).unwrap_or_default();
                let device = client.device_id().map(ToString::to_string).unwrap_or_default();
                found.push(Checked {
                    check: "login",
                    judgement: Judgement::Good,
                    detail: format!("{user}, device {device}"),
                });
                found.push(signature(&client).await);
                found.push(backup(options, trouble));
            }
        },
    }
    found
}

/// Ends the stored session at the homeserver, if there is one; says why if that did not work.
pub fn log_out(options: &MatrixOptions) -> BoxFuture<'_, Result<(), String>> {
    logged_out(options).boxed()
}

async fn logged_out(options: &MatrixOptions) -> Result<(), String> {
    let stored = SessionFolder::open(&options.folder).and_then(|folder| folder.session());
    if matches!(stored, Ok(None)) {
        return Ok(());
    }
    let ended = async {
        let client = login::open(options).await.map_err(|error| error.to_string())?;
        let ended = client.matrix_auth().logout().await;
        ended.map(drop).map_err(|error| error.to_string())
    };
    let ended = tokio::time::timeout(LOGOUT_TIMEOUT, ended).await;
    ended.unwrap_or_else(|_| Err("the homeserver does not answer".to_owned()))
}

fn bad(check: &'static str, error: &LoginError) -> Checked {
    Checked {
        check,
        judgement: Judgement::Bad,
        detail: error.to_string(),
    }
}

/// Tells whether agents' clients trust our device.
async fn signature(client: &Client) -> Checked {
    let device = client.encryption().get_own_device().await;
    let is_signed = matches!(device, Ok(Some(device)) if device.is_verified_with_cross_signing());
    Checked {
        check: "device",
        judgement: if is_signed { Judgement::Good } else { Judgement::Bad },
        detail: if is_signed {
            "signed by the bot's own identity: agents see no warning beside its messages".to_owned()
        } else {
            "not signed, so agents see a warning beside its messages; check CRM_MATRIX_PASSWORD, then try again"
                .to_owned()
        },
    }
}

fn backup(options: &MatrixOptions, trouble: Option<String>) -> Checked {
    let (judgement, detail) = match trouble {
        Some(trouble) => (Judgement::Bad, trouble),
        None if !options.encryption => (Judgement::Good, "off, as new rooms are not encrypted".to_owned()),
        None => (
            Judgement::Good,
            format!(
                "on; save its recovery key elsewhere: `crm matrix recovery-key` prints it from {}",
                options.recovery_key.display()
            ),
        ),
    };
    Checked {
        check: "key backup",
        judgement,
        detail,
    }
}
