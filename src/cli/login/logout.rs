//! `crm logout`: unlinks the device.

use std::time::Duration;

use clap::Args;
use reqwest::Method;
use tokio::time::timeout;

use super::{SessionLook, account_name, failed};
use crate::cli::client::send;
use crate::cli::generate::complete;
use crate::cli::terminal::output;
use crate::cli::{Exit, Fault, Shell};
use crate::contract::Empty;

/// Maximum time for unlinking.
const LIMIT: Duration = Duration::from_secs(30);

/// Unlink the device
#[derive(Debug, Args)]
pub struct Logout {
    /// Use this account
    #[arg(long, value_name = "NAME", add = complete::accounts())]
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
        let unlinked = async {
            loop {
                let view = look.next().await?;
                if !view.state.is_linked() {
                    return anyhow::Ok(());
                }
                if let Some(fault) = failed(&view) {
                    return Err(fault.into());
                }
            }
        };
        let late = |_| {
            let text = format!(
                "the account {name} is still linked after {} s; look at `crm status`",
                LIMIT.as_secs()
            );
            Fault::new(Exit::TimedOut, text)
        };
        timeout(LIMIT, unlinked).await.map_err(late)??;
        output::note(&format!("The account {name} is unlinked."));
        Ok(Exit::Ok)
    }
}
