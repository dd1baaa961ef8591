//! The bot's login, identity and key backup. The server that runs has them in use, so it must be stopped for what changes them.

use std::io::Read as _;

use anyhow::Context as _;

use super::{confirm, show};
use crate::cli::home::{Home, write_secret};
use crate::cli::serve::ports;
use crate::cli::terminal::output;
use crate::cli::{Exit, Fault, Shell};
use crate::config::{Config, DataDir, MatrixMode};
use crate::matrix;

/// Longest recovery key that is read, in bytes.
const MAX_KEY: u64 = 1024;
/// Fewest characters of a recovery key.
const MIN_KEY: usize = 40;

/// Checks login, device and key backup, and mends what can be mended.
pub async fn verify(shell: &Shell) -> anyhow::Result<Exit> {
    let config = &shell.config;
    refuse_service(config, "verify")?;
    let home = Home::open(config, "crm matrix verify").await?;
    let instance = home.store.settings().instance().await?;
    let agents = home.store.agents().answering().await?;
    let options = ports::bot_options(config, home.folder.path(), &instance, agents)?;
    let checked = matrix::verify(&options).await;
    home.store.close().await;
    show(shell, checked)
}

/// Forgets login and keys, after a person has agreed.
pub async fn reset(shell: &Shell, yes: bool, new_backup: bool) -> anyhow::Result<Exit> {
    let config = &shell.config;
    refuse_service(config, "reset")?;
    let folder = DataDir::open(&config.data_dir)?;
    let _lock = folder.lock("crm matrix reset")?;
    let key = ports::recovery_key(folder.path());
    let keeps = key.exists() && !new_backup;
    if !yes {
        let lost = if keeps {
            "Its keys come back with the recovery key; rooms stay"
        } else {
            "No recovery key is kept: what agents wrote and nobody has read yet can never be decrypted, and agents see that the \
             bot has a new identity. Rooms stay"
        };
        confirm(shell, "forget the bot's login and keys", lost).await?;
    }
    // Without the homeserver, or without the rest of the configuration, it stays there.
    let left = match ports::bot_options(config, folder.path(), "", vec![]) {
        Ok(options) => matrix::log_out(&options).await.err(),
        Err(_) => Some("the configuration of Matrix is not complete".to_owned()),
    };
    let matrix = folder.path().join("matrix");
    matrix::reset(&matrix).with_context(|| format!("emptying {}", matrix.display()))?;
    if new_backup {
        match std::fs::remove_file(&key) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("deleting {}", key.display()));
            }
            _ => {}
        }
        matrix::order_new_backup(&matrix).with_context(|| format!("writing into {}", matrix.display()))?;
    }
    output::note("The bot's login and keys are forgotten; the next start logs in as a new device.");
    if let Some(why) = left {
        output::note(&format!(
            "Its old device is still known to the homeserver ({why}); remove it there: log in as the bot's user in Element, \
             Settings, Sessions."
        ));
    }
    Ok(Exit::Ok)
}

/// Prints the recovery key, or puts one in place.
pub async fn recovery_key(shell: &Shell, restore: bool) -> anyhow::Result<Exit> {
    let config = &shell.config;
    refuse_service(config, "recovery-key")?;
    let file = ports::recovery_key(&config.data_dir);
    if restore {
        let key = tokio::task::spawn_blocking(read_key).await??;
        DataDir::open(&config.data_dir)?;
        write_secret(&file, &key).with_context(|| format!("writing {}", file.display()))?;
        output::note("The recovery key is in place; the next start of the server uses it.");
        return Ok(Exit::Ok);
    }
    let key = matrix::recovery_key(&file).with_context(|| format!("reading {}", file.display()))?;
    let Some(key) = key else {
        let text = format!(
            "there is no recovery key in {}; the server makes one at its first start with encryption, or put yours back with \
             --restore",
            file.display()
        );
        return Err(Fault::new(Exit::NotFound, text).into());
    };
    shell.output().text(key.reveal())?;
    output::note("Whoever has this key can read what is in the bot's rooms. Keep it apart from the server.");
    Ok(Exit::Ok)
}

fn refuse_service(config: &Config, verb: &str) -> anyhow::Result<()> {
    if config.matrix.mode == MatrixMode::Service {
        let text = format!(
            "an application service has no login and no encryption keys, so `crm matrix {verb}` is for a bot \
             (CRM_MATRIX_MODE=bot); `crm matrix check` looks at the service"
        );
        return Err(Fault::new(Exit::Usage, text).into());
    }
    Ok(())
}

/// Reads a recovery key from standard input.
fn read_key() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin()
        .take(MAX_KEY)
        .read_to_string(&mut text)
        .context("reading the key from standard input")?;
    let key = text.trim();
    let is_plain = key.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ');
    if key.len() < MIN_KEY || !is_plain {
        let text = "this is no recovery key, which is 12 groups of 4 letters and digits; write it to standard input";
        return Err(Fault::new(Exit::Usage, text).into());
    }
    Ok(key.to_owned())
}
