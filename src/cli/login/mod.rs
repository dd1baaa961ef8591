//! `crm login`: links a device. With a running server it uses the API. Without one it drives the browser itself,
//! without listeners, until the missed messages are stored, and shuts down in order (rule 27).

pub mod logout;
pub mod qr;
pub mod view;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use reqwest::{Method, StatusCode, header};

use super::client::{self, Client, send};
use super::follow::{self, Follower, Patience};
use super::generate::complete;
use super::home::Home;
use super::serve::{Assembly, ServedAccounts, first_account};
use super::{Exit, Fault, Shell, exit, phone_number};
use crate::config::DataDirError;
use crate::contract::{AccountView, FilterRequest, HistoryRequest, LoginRequest, SessionView};
use crate::domain::account::Account;
use crate::domain::history::HistoryDepth;
use crate::domain::session::SessionState;
use crate::domain::whatsapp::LoginMethod;
use view::{Display, end};

/// Link a device
#[derive(Debug, Args)]
pub struct Login {
    /// Use this account
    #[arg(long, value_name = "NAME", add = complete::accounts())]
    account: Option<String>,
    /// Link with a code that is typed on the phone of this number
    #[arg(long, value_name = "NUMBER")]
    phone: Option<String>,
    /// Also write the QR code to this file: .svg, .txt or PNG
    #[arg(long, value_name = "FILE")]
    qr_file: Option<PathBuf>,
    /// Draw the QR code without colours, for dark text on a light ground
    #[arg(long)]
    invert: bool,
    /// How much earlier history to import: 90d, all or none
    #[arg(long, value_name = "DEPTH")]
    history: Option<HistoryDepth>,
    /// Do not wait until the history is imported
    #[arg(long)]
    no_wait: bool,
}

impl Login {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let mut display = Display::new(shell, self.qr_file.clone(), self.invert);
        let end = if is_up(shell).await? {
            super::leave(shell.options.timeout, self.ask_server(shell, &mut display)).await
        } else {
            self.without_server(shell, &mut display).await
        };
        display.close();
        end
    }

    async fn ask_server(self, shell: &Shell, display: &mut Display) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        let name = account_name(&client, self.account).await?;
        let mut look = SessionLook::new(&client, &name);
        let view = look.now().await?;
        let path = format!("/api/v1/accounts/{name}");
        let follows = !self.no_wait && (self.history.is_some() || display.has_bar());
        let asked = !view.state.is_linked() || view.state == SessionState::Conflict;
        let by_number = asked && self.phone.is_some();
        if view.state == SessionState::Conflict {
            send(client.request(Method::POST, &format!("{path}/takeover"))).await?;
        } else if !view.state.is_linked() {
            let body = LoginRequest {
                phone: self.phone,
                history: self.history,
            };
            send(client.request(Method::POST, &format!("{path}/login")).json(&body)).await?;
        } else if let Some(depth) = self.history {
            let request = client.request(Method::POST, &format!("{path}/history"));
            send(request.json(&HistoryRequest { depth })).await?;
        }
        // The session may still show the wrong number of an earlier login until this login has a code.
        let mut is_under_way = view.state != SessionState::WrongNumber;
        let mut had_code = false;
        let end = loop {
            let view = look.next().await?;
            if asked && let Some(fault) = failed(&view) {
                return Err(fault.into());
            }
            is_under_way |= has_begun(view.state);
            if !is_under_way {
                continue;
            }
            // The page shows its QR code by default; skip it until the pairing code is there. It shows it again once nobody
            // has typed one.
            had_code |= view.state == SessionState::Code;
            if by_number && !had_code && view.state == SessionState::Qr {
                continue;
            }
            display.show(&view)?;
            if let Some(end) = end(&view) {
                break end?;
            }
        };
        if follows {
            let filter = FilterRequest {
                account: Some(name),
                ..follow::events(&["account.history"])
            };
            let follower = Follower::new(&client, filter, None, Patience::Connected);
            let path = format!("{path}/history");
            let imported = follower.until(&path, |history| Ok(!display.history(&client::read(&history)?)?));
            imported.await?;
        }
        Ok(end)
    }

    /// Drives the account as the server would, until it is ready and has stored what it missed.
    async fn without_server(self, shell: &Shell, display: &mut Display) -> anyhow::Result<Exit> {
        let phone = self.phone.as_deref().map(|phone| phone_number(shell, phone));
        let method = phone.transpose()?.map_or(LoginMethod::Qr, LoginMethod::PairingCode);
        let home = match Home::open(&shell.config, "crm login").await {
            Ok(home) => home,
            Err(error) => return Err(held_by_the_deaf(error, &shell.config.url)),
        };
        first_account(&home.store).await?;
        let mut accounts = home.store.accounts().present().await?;
        accounts.retain(|account| account.is_in_use() && !account.is_gateway());
        let names = accounts.iter().map(|account| account.name.clone()).collect();
        let name = chosen(names, self.account.as_deref())?;
        accounts.retain(|account| account.name == name);
        let account = accounts.pop().ok_or_else(|| no_account(&name))?;
        let assembly = Assembly::start(home, &shell.config, ServedAccounts::One(account.clone())).await?;
        let driven = async {
            tokio::select! {
                end = self.drive(&assembly, &account, method, display) => end,
                task = assembly.supervisor.lost() => Err(anyhow::anyhow!("the task `{task}` was lost; the log says why")),
            }
        };
        let end = super::leave(shell.options.timeout, driven).await;
        assembly.close().await;
        end
    }

    async fn drive(
        &self,
        assembly: &Assembly,
        account: &Account,
        method: LoginMethod,
        display: &mut Display,
    ) -> anyhow::Result<Exit> {
        let mut session = assembly.desk.session(account.id).await?;
        if let Some(depth) = self.history {
            assembly.desk.ask_history(account.id, depth).await?;
        }
        let mut asked = false;
        loop {
            let view = SessionView::from(&*session.borrow_and_update());
            display.show(&view)?;
            match end(&view) {
                Some(Ok(exit)) => {
                    assembly.until_taken_in(account.id).await?;
                    let mut progress = assembly.store.head();
                    while !self.no_wait
                        && let Some(history) = assembly.store.history().get(account.id).await?
                        && display.history(&(&history).into())?
                    {
                        progress.changed().await.context("the database is closed")?;
                    }
                    return Ok(exit);
                }
                Some(Err(error)) => return Err(error),
                None => {}
            }
            // The page shows its QR code by default. Anything else has to be requested, once the page can answer.
            if !asked && view.state.needs_login() {
                asked = assembly.desk.login(account.id, method.clone()).await.is_ok();
            }
            if !asked && view.state == SessionState::Conflict {
                asked = assembly.desk.take_over(account.id).await.is_ok();
            }
            session.changed().await.context("the session has ended")?;
        }
    }
}

/// Returns whether a login has at least reached a code.
const fn has_begun(state: SessionState) -> bool {
    matches!(
        state,
        SessionState::Qr | SessionState::Code | SessionState::Syncing | SessionState::Ready
    )
}

/// Returns the failure of the requested change, if there is one.
pub fn failed(view: &SessionView) -> Option<Fault> {
    let is_down = matches!(view.state, SessionState::Failed | SessionState::Mismatch);
    let why = view.error.as_ref().or_else(|| view.detail.as_ref().filter(|_| is_down));
    why.map(|why| Fault::new(Exit::Unreachable, why.clone()))
}

fn no_account(name: &str) -> Fault {
    Fault::new(
        Exit::NotFound,
        format!("there is no account {name}; `crm account list` lists them"),
    )
}

/// Returns whether a server answers `/healthz`.
async fn is_up(shell: &Shell) -> anyhow::Result<bool> {
    let request = client::http(&shell.config.url)?.get(format!("{}/healthz", shell.config.url.trim_end_matches('/')));
    match send(request).await {
        Ok(_) => Ok(true),
        Err(error) if exit::code(&error) == Exit::Unreachable => Ok(false),
        Err(error) => Err(error),
    }
}

/// Explains the error of a data folder that another process holds although no server answers at `url`.
fn held_by_the_deaf(error: anyhow::Error, url: &str) -> anyhow::Error {
    match error.downcast_ref() {
        Some(DataDirError::Held { owner, .. }) => {
            let text =
                format!("{owner} holds the data folder, but {url} does not answer; set CRM_URL to where it listens");
            Fault::new(Exit::Unreachable, text).into()
        }
        _ => error,
    }
}

/// Returns the account to use among those in use: the named one, or the only one.
fn chosen(mut in_use: Vec<String>, wanted: Option<&str>) -> anyhow::Result<String> {
    if let Some(wanted) = wanted {
        let named = in_use.into_iter().find(|name| name == wanted);
        return Ok(named.ok_or_else(|| no_account(wanted))?);
    }
    let fault = match in_use.len() {
        1 => return Ok(in_use.remove(0)),
        0 => Fault::new(
            Exit::NotFound,
            "there is no account; add one with `crm account add NAME`",
        ),
        _ => {
            let text = format!(
                "there are several accounts; name one with --account: {}",
                in_use.join(", ")
            );
            Fault::new(Exit::Usage, text)
        }
    };
    Err(fault.into())
}

/// Returns the account to use among those of the server: the named one, or the only one.
pub async fn account_name(client: &Client, wanted: Option<String>) -> anyhow::Result<String> {
    let (mut accounts, _) = client.list::<AccountView>("/api/v1/accounts", None).await?;
    // A gateway's account is never meant unless it is named.
    accounts.retain(|account| {
        account.is_in_use() && (account.kind.is_web() || wanted.as_deref() == Some(account.name.as_str()))
    });
    let names = accounts.into_iter().map(|account| account.name).collect();
    chosen(names, wanted.as_deref())
}

/// Polls an account's session with long requests.
pub struct SessionLook<'a> {
    client: &'a Client,
    path: String,
    seen: Option<String>,
}

impl<'a> SessionLook<'a> {
    /// Creates a poller that has seen nothing yet.
    pub fn new(client: &'a Client, account: &str) -> Self {
        Self {
            client,
            path: format!("/api/v1/accounts/{account}/session"),
            seen: None,
        }
    }

    /// Returns the session as it is.
    pub async fn now(&mut self) -> anyhow::Result<SessionView> {
        self.client.get(&self.path).await
    }

    /// Returns the session as soon as it differs from the last one that this returned.
    pub async fn next(&mut self) -> anyhow::Result<SessionView> {
        loop {
            let mut request = self.client.request(Method::GET, &self.path).header("Prefer", "wait=20");
            if let Some(seen) = &self.seen {
                request = request.header(header::IF_NONE_MATCH, seen);
            }
            let response = send(request).await?;
            if response.status() == StatusCode::NOT_MODIFIED {
                continue;
            }
            let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
            self.seen = tag.map(str::to_owned);
            return response.json().await.context("reading the session");
        }
    }
}
