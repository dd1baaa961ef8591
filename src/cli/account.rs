//! `crm account`: the WhatsApp accounts of this server. With a running server it uses the API; without one it works on
//! the data folder itself.

use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde::Serialize;

use super::client::{read, send, with_query};
use super::follow::watch::Watch;
use super::follow::{self, Follower, Patience};
use super::generate::complete;
use super::home::Home;
use super::serve::ports;
use super::terminal::output::{Output, agreed, note};
use super::{Exit, Fault, Shell, home, leave, phone_number, serve};
use crate::bridge::{self, Refusal};
use crate::contract::{AccountView, Empty, NewAccount, RawJson, RebindRequest};
use crate::domain::account::AccountName;
use crate::store::Store;
use crate::supervisor::Supervisor;

/// Maximum time for the workers to end after a removal without a server.
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
        /// Also list removed accounts
        #[arg(long)]
        removed: bool,
        #[command(flatten)]
        watch: Watch,
    },
    /// Add an account, or bring back a removed one with its conversations; then link it with `crm login --account NAME`
    Add {
        /// Name of the account
        #[arg(value_name = "NAME")]
        name: AccountName,
    },
    /// Release an account whose server has died, so that a server with another data folder can use it
    Release {
        /// Name of the account
        #[arg(value_name = "NAME", add = complete::accounts())]
        name: String,
    },
    /// Give an account another number, because its owner has changed it; conversations and rooms stay
    Rebind {
        /// Name of the account
        #[arg(value_name = "NAME", add = complete::accounts())]
        name: String,
        /// The new number, such as +447700900123
        #[arg(long, value_name = "NUMBER")]
        phone: String,
    },
    /// Remove an account: unlink its device, delete its browser profile, keep its messages
    Remove {
        /// Name of the account
        #[arg(value_name = "NAME", add = complete::accounts())]
        name: String,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
        /// Keep the browser profile and its link to the phone
        #[arg(long)]
        keep_profile: bool,
    },
}

const COLUMNS: &[&str] = &["id", "name", "phone", "state", "detail", "created_at"];

impl Account {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let timeout = shell.options.timeout;
        match self.verb {
            Verb::List { removed, watch } => {
                let about = follow::events(&["account.added", "account.removed", "account.state"]);
                let show = |mut output: Output| async move {
                    output.list(&list(shell, removed).await?, COLUMNS)?;
                    Ok(output)
                };
                leave(timeout, watch.run(shell, about, show)).await
            }
            Verb::Add { name } => {
                let add = async {
                    shell.output().one(&add(shell, &name).await?)?;
                    note(&format!("Link a phone to it with `crm login --account {name}`."));
                    Ok(Exit::Ok)
                };
                leave(timeout, add).await
            }
            Verb::Release { name } => {
                let release = async {
                    shell.output().one(&release(shell, &name).await?)?;
                    Ok(Exit::Ok)
                };
                leave(timeout, release).await
            }
            Verb::Rebind { name, phone } => {
                let rebind = async {
                    shell.output().one(&rebind(shell, &name, phone).await?)?;
                    note(&format!(
                        "Link the phone with that number with `crm login --account {name}`, unless it is linked already."
                    ));
                    Ok(Exit::Ok)
                };
                leave(timeout, rebind).await
            }
            Verb::Remove {
                name,
                yes,
                keep_profile,
            } => {
                let mut unanswered = None;
                let ask = async {
                    confirm(shell, &name, yes, keep_profile).await?;
                    match ask_to_remove(shell, &name, keep_profile).await {
                        Ok(gone) => {
                            let AccountView { detail, .. } = read(&gone)?;
                            show_gone(shell, &name, &gone, detail.as_deref())?;
                        }
                        Err(error) => unanswered = Some(error),
                    }
                    Ok(Exit::Ok)
                };
                let end = leave(timeout, ask).await?;
                match unanswered {
                    None => Ok(end),
                    Some(error) => remove_here(shell, error, &name, keep_profile).await,
                }
            }
        }
    }
}

/// Prints a removed account. `todo` is what is left for the user to do.
fn show_gone(shell: &Shell, name: &str, gone: &impl Serialize, todo: Option<&str>) -> anyhow::Result<()> {
    shell.output().one(gone)?;
    if let Some(todo) = todo {
        note(&format!("The account {name} is removed, but {todo}"));
    }
    Ok(())
}

/// Asks before a removal, and says what it will delete.
async fn confirm(shell: &Shell, name: &str, yes: bool, keep_profile: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    if !shell.may_ask() {
        let text = format!("this removes the account {name}; confirm with --yes");
        return Err(Fault::new(Exit::Usage, text).into());
    }
    let goes = if keep_profile {
        "Its browser profile stays, with the link to the phone"
    } else {
        "Its device is unlinked and its browser profile is deleted"
    };
    note(&format!(
        "{goes}. Messages that wait to be sent fail. Its conversations and messages stay. Remove the account {name}? [y/N]"
    ));
    if agreed().await? {
        return Ok(());
    }
    Err(Fault::new(Exit::Failed, "nothing was removed").into())
}

async fn list(shell: &Shell, removed: bool) -> anyhow::Result<Vec<RawJson>> {
    let path = with_query("/api/v1/accounts", removed.then_some(("removed", "true")));
    let asked = async { shell.client()?.list(&path, None).await };
    let error = match asked.await {
        Ok((rows, _)) => return Ok(rows),
        Err(error) => error,
    };
    let home = Home::without_server(shell, "crm account list", error).await?;
    let accounts = if removed {
        home.store.accounts().all().await
    } else {
        home.store.accounts().present().await
    };
    let rows = accounts.map_err(home::fault)?;
    home.store.close().await;
    let rows = rows.into_iter().map(AccountView::from);
    Ok(rows.map(|row| RawJson::of(&row)).collect::<Result<_, _>>()?)
}

async fn add(shell: &Shell, name: &AccountName) -> anyhow::Result<RawJson> {
    let body = NewAccount { name: name.to_string() };
    let asked = async { shell.client()?.post("/api/v1/accounts", &body).await };
    let error = match asked.await {
        Ok(account) => return Ok(account),
        Err(error) => error,
    };
    let home = Home::without_server(shell, "crm account add", error).await?;
    let matrix = shell.config.matrix.homeserver.is_some();
    let account = bridge::add_account(&home.store, name.clone(), matrix)
        .await
        .map_err(refused)?;
    home.store.close().await;
    Ok(RawJson::of(&AccountView::from(account))?)
}

async fn release(shell: &Shell, name: &str) -> anyhow::Result<RawJson> {
    let asked = async {
        let path = format!("/api/v1/accounts/{name}/release");
        shell.client()?.post(&path, &Empty {}).await
    };
    let error = match asked.await {
        Ok(account) => return Ok(account),
        Err(error) => error,
    };
    let home = Home::without_server(shell, "crm account release", error).await?;
    let released = async {
        let id = known(&home.store, name).await?;
        let is_alive = home.is_alive()?;
        bridge::release_account(&home.store, id, &is_alive)
            .await
            .map_err(refused)
    };
    let released = released.await;
    home.store.close().await;
    Ok(RawJson::of(&AccountView::from(released?))?)
}

async fn rebind(shell: &Shell, name: &str, phone: String) -> anyhow::Result<RawJson> {
    let body = RebindRequest { phone };
    let asked = async {
        let path = format!("/api/v1/accounts/{name}/rebind");
        shell.client()?.post(&path, &body).await
    };
    let error = match asked.await {
        Ok(account) => return Ok(account),
        Err(error) => error,
    };
    let phone = phone_number(shell, &body.phone)?;
    let home = Home::without_server(shell, "crm account rebind", error).await?;
    let rebound = async {
        let id = known(&home.store, name).await?;
        bridge::rebind_account(&home.store, id, phone).await.map_err(refused)
    };
    let rebound = rebound.await;
    home.store.close().await;
    Ok(RawJson::of(&AccountView::from(rebound?))?)
}

/// Asks the server to remove an account, and waits until that is done. If interrupted, the server still goes on.
async fn ask_to_remove(shell: &Shell, name: &str, keep_profile: bool) -> anyhow::Result<RawJson> {
    let client = shell.client()?;
    let path = format!("/api/v1/accounts/{name}");
    let query = with_query(&path, keep_profile.then_some(("keep_profile", "true")));
    send(client.request(Method::DELETE, &query)).await?;
    let (mut id, mut gone) = (None, None);
    // Not filtered by the account, which may be gone before the connection stands.
    let follower = Follower::new(&client, follow::events(&["account.removed"]), None, Patience::Never);
    let removed = follower.until(&path, |account| {
        let view: AccountView = read(&account)?;
        // The first answer is the account that was named, by its name or its id.
        let is_gone = *id.get_or_insert(view.id) == view.id && view.removed_at.is_some();
        gone = is_gone.then_some(account);
        Ok(is_gone)
    });
    removed.await?;
    gone.context("the server has not said what became of the account")
}

/// Removes an account without a server: starts its browser only to unlink the device, and always closes the browser in
/// order.
async fn remove_here(shell: &Shell, unanswered: anyhow::Error, name: &str, keep_profile: bool) -> anyhow::Result<Exit> {
    let home = Home::without_server(shell, "crm account remove", unanswered).await?;
    let supervisor = Supervisor::new();
    let core = serve::core(&shell.config, &home, ports::vault(&shell.config, &home)?).await?;
    let manager = serve::manager(&shell.config, &home, core, &supervisor)?;
    let remove = async {
        let account = known(&home.store, name).await?;
        let removing = bridge::begin_removal(&home.store, account, keep_profile).await;
        let account = removing.map_err(refused)?.id;
        manager.bring_about(account).await?;
        let gone = home.store.accounts().get(account).await.map_err(home::fault)?;
        let gone = gone.map(AccountView::from);
        let todo = gone.as_ref().and_then(|gone| gone.detail.clone());
        show_gone(shell, name, &gone, todo.as_deref())?;
        Ok(Exit::Ok)
    };
    let end = leave(shell.options.timeout, remove).await;
    serve::close_browsers(&manager.desk(None)).await;
    supervisor.shutdown(DRAIN).await;
    home.store.close().await;
    end
}

async fn known(store: &Store, name: &str) -> anyhow::Result<crate::domain::AccountId> {
    let account = store.accounts().called(name).await.map_err(home::fault)?;
    let missing = || {
        Fault::new(
            Exit::NotFound,
            format!("there is no account {name}; `crm account list` lists them"),
        )
    };
    Ok(account.ok_or_else(missing)?.id)
}

pub(in crate::cli) fn refused(refusal: Refusal) -> anyhow::Error {
    let exit = match refusal {
        // Whoever works on the database itself may read its words.
        Refusal::Database(error) => return home::fault(error),
        Refusal::Conflict(_) => Exit::Conflict,
        Refusal::NotFound { .. } => Exit::NotFound,
        Refusal::Unavailable(_) => Exit::Unreachable,
        _ => Exit::Failed,
    };
    Fault::new(exit, refusal.to_string()).into()
}
