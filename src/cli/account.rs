//! `crm account`: the WhatsApp numbers on this server. With a running server it asks the server; without one it works on the data
//! folder itself.

use std::time::Duration;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::client::{send, with_query};
use super::home::Home;
use super::output::note;
use super::{Exit, Fault, Shell, home, ports, serve};
use crate::bridge::{self, Refusal};
use crate::domain::account_name::AccountName;
use crate::store::{Store, StoreError};
use crate::supervisor::Supervisor;

/// Between two looks at an account that is being removed.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long the browser that a removal has opened may take to end.
const DRAIN: Duration = Duration::from_secs(20);

/// The WhatsApp numbers on this server
#[derive(Debug, Args)]
pub struct Account {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List accounts
    List {
        /// Also those that were removed
        #[arg(long)]
        removed: bool,
    },
    /// Add an account, or bring back a removed one with its conversations; then link it with `crm login --account NAME`
    Add {
        #[arg(value_name = "NAME")]
        name: AccountName,
    },
    /// Remove an account: its device is unlinked, its browser's profile goes, its messages stay
    Remove {
        #[arg(value_name = "NAME")]
        name: String,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
        /// Leave the browser's profile where it is, linked as it is
        #[arg(long)]
        keep_profile: bool,
    },
}

const COLUMNS: &[&str] = &["id", "name", "phone", "state", "detail", "created_at"];

impl Account {
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        match self.verb {
            Verb::List { removed } => {
                let accounts = list(shell, removed).await?;
                shell.output().list(&accounts, COLUMNS)?;
            }
            Verb::Add { name } => {
                let account = add(shell, &name).await?;
                shell.output().one(&account)?;
                note(&format!("Link a phone to it with `crm login --account {name}`."));
            }
            Verb::Remove {
                name,
                yes,
                keep_profile,
            } => {
                confirm(shell, &name, yes, keep_profile)?;
                let gone = remove(shell, &name, keep_profile).await?;
                shell.output().one(&gone)?;
                if let Some(todo) = gone["detail"].as_str() {
                    note(&format!("The account {name} is removed, but {todo}"));
                }
            }
        }
        Ok(Exit::Ok)
    }
}

/// What a removal takes away is said before it is taken.
fn confirm(shell: &Shell, name: &str, yes: bool, keep_profile: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    if !shell.may_ask() {
        let text = format!("this removes the account {name}; say so with --yes");
        return Err(Fault::new(Exit::Usage, text).into());
    }
    let goes = if keep_profile {
        "Its browser's profile stays, linked as it is"
    } else {
        "Its device is unlinked and its browser's profile goes"
    };
    note(&format!(
        "{goes}; what it still had to send is not sent, and says so. Its conversations and messages stay. Remove the account {name}? [y/N]"
    ));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Fault::new(Exit::Failed, "nothing was removed").into())
}

async fn list(shell: &Shell, removed: bool) -> anyhow::Result<Vec<Value>> {
    let path = with_query("/api/v1/accounts", removed.then_some(("removed", "true")));
    let asked = match shell.client() {
        Ok(client) => client.list(&path, None).await,
        Err(error) => Err(error),
    };
    let error = match asked {
        Ok((rows, _)) => return Ok(rows),
        Err(error) => error,
    };
    let home = Home::without_server(shell, "crm account list", error).await?;
    let accounts = if removed {
        home.store.all_accounts().await
    } else {
        home.store.accounts().await
    };
    let rows = accounts.map_err(home::fault)?;
    home.store.close().await;
    Ok(rows.iter().map(serde_json::to_value).collect::<Result<_, _>>()?)
}

async fn add(shell: &Shell, name: &AccountName) -> anyhow::Result<Value> {
    let body = json!({ "name": name.as_str() });
    let asked = match shell.client() {
        Ok(client) => client.post("/api/v1/accounts", &body).await,
        Err(error) => Err(error),
    };
    let error = match asked {
        Ok(account) => return Ok(account),
        Err(error) => error,
    };
    let home = Home::without_server(shell, "crm account add", error).await?;
    let matrix = shell.config.matrix.homeserver.is_some();
    let account = bridge::add_account(&home.store, name.clone(), matrix)
        .await
        .map_err(refused)?;
    home.store.close().await;
    Ok(serde_json::to_value(account)?)
}

/// Waits until it is done; left before, it goes on by itself.
async fn remove(shell: &Shell, name: &str, keep_profile: bool) -> anyhow::Result<Value> {
    let path = format!("/api/v1/accounts/{name}");
    let asked = match shell.client() {
        Ok(client) => {
            let query = with_query(&path, keep_profile.then_some(("keep_profile", "true")));
            send(client.request(Method::DELETE, &query)).await.map(|_| client)
        }
        Err(error) => Err(error),
    };
    let error = match asked {
        Ok(client) => loop {
            let account: Value = client.get(&path).await?;
            if account["removed_at"].is_string() {
                return Ok(account);
            }
            sleep(LOOK_EVERY).await;
        },
        Err(error) => error,
    };
    let home = Home::without_server(shell, "crm account remove", error).await?;
    let gone = remove_here(shell, &home, name, keep_profile).await;
    home.store.close().await;
    gone
}

/// Does what the server would: opens the browser to unlink the device, and nothing else.
async fn remove_here(shell: &Shell, home: &Home, name: &str, keep_profile: bool) -> anyhow::Result<Value> {
    let account = known(&home.store, name).await?;
    let account = bridge::begin_removal(&home.store, account, keep_profile)
        .await
        .map_err(refused)?;
    let supervisor = Supervisor::new();
    let core = serve::core(&shell.config, home, ports::vault(&shell.config, home)?).await?;
    let switchboard = serve::switchboard(&shell.config, home, core, &supervisor)?;
    switchboard.bring_about(account.id).await?;
    supervisor.shutdown(DRAIN).await;
    let gone = home.store.account(account.id).await.map_err(home::fault)?;
    Ok(serde_json::to_value(gone)?)
}

async fn known(store: &Store, name: &str) -> anyhow::Result<crate::domain::AccountId> {
    let account = store.account_called(name).await.map_err(home::fault)?;
    let missing = || {
        Fault::new(
            Exit::NotFound,
            format!("there is no account {name}; `crm account list` lists them"),
        )
    };
    Ok(account.ok_or_else(missing)?.id)
}

fn refused(refusal: Refusal) -> anyhow::Error {
    let exit = match &refusal {
        Refusal::Conflict(_) => Exit::Conflict,
        Refusal::NotFound { .. } => Exit::NotFound,
        Refusal::Unavailable(_) => return home::fault(StoreError::Unreachable(refusal.to_string())),
        _ => Exit::Failed,
    };
    Fault::new(exit, refusal.to_string()).into()
}
