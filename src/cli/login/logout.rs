//! `crm logout`: unlinks the device.

use std::time::Duration;

use clap::Args;
use reqwest::Method;
use tokio::time::{Instant, sleep};

use super::{SessionLook, account_name, failed};
use crate::cli::client::send;
use crate::cli::terminal::output;
use crate::cli::{Exit, Fault, Shell};
use crate::contract::Empty;

/// Maximum time for unlinking.
const LIMIT: Duration = Duration::from_secs(30);
/// Interval at which the session is polled.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Unlink the device
#[derive(Debug, Args)]
pub struct Logout {
    /// Use this account
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

impl Logout {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        let name = account_name(&client, self.account).await?;
        let mut look = SessionLook::new(&client, &name);
        if !look.now().await?.state.is_linked() {
            output::note(&format!("The account {name} is not linked."));
            return Ok(Exit::Ok);
        }
        let path = format!("/api/v1/accounts/{name}/logout");
        send(client.request(Method::POST, &path).json(&Empty {})).await?;
        let end = Instant::now() + LIMIT;
        loop {
            let view = look.now().await?;
            if !view.state.is_linked() {
                break;
            }
            if let Some(fault) = failed(&view) {
                return Err(fault.into());
            }
            if Instant::now() > end {
                let text = format!(
                    "the account {name} is still linked after {} s; look at `crm status`",
                    LIMIT.as_secs()
                );
                return Err(Fault::new(Exit::TimedOut, text).into());
            }
            sleep(LOOK_EVERY).await;
        }
        output::note(&format!("The account {name} is unlinked."));
        Ok(Exit::Ok)
    }
}
