//! `crm key`: keys of the API. The first ones can be created before a server runs.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::client::{Client, read};
use super::generate::complete;
use super::home::Home;
use super::terminal::output::{agreed, note};
use super::{Exit, Fault, Shell, agent};
use crate::api::keys;
use crate::bridge::MAX_OVERLAP;
use crate::clock::SystemClock;
use crate::contract::{CallerView, CreateKey, CreatedKey, Empty, KeyView, RawJson, RotateKey, Scope};
use crate::domain::{AgentId, ApiKeyId, Clock as _};

/// Keys of the API
#[derive(Debug, Args)]
pub struct Key {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a key, and show it this once
    Create {
        /// What the key is for
        name: String,
        /// What the key may do; each scope includes those before it
        #[arg(long, value_enum, default_value_t = Right::Read)]
        scope: Right,
        /// Let the key expire after this long
        #[arg(long, value_name = "TIME", value_parser = crate::config::duration)]
        expires: Option<Duration>,
        /// Only for this account; may be repeated
        #[arg(long = "account", value_name = "NAME", add = complete::accounts())]
        accounts: Vec<String>,
        /// Act as this agent, with no more rights than they have
        #[arg(long, value_name = "AGENT", add = complete::agents())]
        agent: Option<String>,
    },
    /// List keys
    List,
    /// Make the successor of a key, with the same name and rights; both work for a while
    Rotate {
        /// Id of the key, from `crm key list`
        #[arg(value_name = "ID")]
        id: i64,
        /// How long the old key still works [default: 24h]
        #[arg(long, value_name = "TIME", value_parser = overlap)]
        overlap: Option<Duration>,
    },
    /// Revoke a key for good
    Revoke {
        /// Id of the key, from `crm key list`
        #[arg(value_name = "ID")]
        id: i64,
        /// Do not ask, although it is the key in use or the last one that may administer
        #[arg(short, long)]
        yes: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Right {
    Read,
    Send,
    Manage,
    Admin,
}

impl From<Right> for Scope {
    fn from(right: Right) -> Self {
        match right {
            Right::Read => Self::Read,
            Right::Send => Self::Send,
            Right::Manage => Self::Manage,
            Right::Admin => Self::Admin,
        }
    }
}

const COLUMNS: &[&str] = &[
    "id",
    "name",
    "prefix",
    "scopes",
    "accounts",
    "agent_id",
    "created_at",
    "expires_at",
    "last_used_at",
    "revoked_at",
];

impl Key {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        match self.verb {
            Verb::Create {
                name,
                scope,
                expires,
                accounts,
                agent,
            } => {
                let wanted = CreateKey {
                    name,
                    scope: scope.into(),
                    expires_at: expires.map(|after| SystemClock.now().plus(after)),
                    accounts: agent::named(accounts),
                    agent_id: match agent.map(|agent| agent.parse().map_err(|_| agent)) {
                        None => None,
                        Some(Ok(id)) => Some(AgentId(id)),
                        Some(Err(name)) => Some(agent::id(&shell.client()?, &name).await?),
                    },
                };
                show(shell, &create(shell, wanted).await?)?;
            }
            Verb::List => {
                let (rows, _) = shell.client()?.list::<RawJson>("/api/v1/keys", None).await?;
                shell.output().list(&rows, COLUMNS)?;
            }
            Verb::Rotate { id, overlap } => {
                let path = format!("/api/v1/keys/{id}/rotate");
                let wanted = RotateKey {
                    overlap_seconds: overlap.map(|overlap| overlap.as_secs()),
                    expires_at: None,
                };
                show(shell, &shell.client()?.post(&path, &wanted).await?)?;
            }
            Verb::Revoke { id, yes } => {
                let client = shell.client()?;
                if !yes {
                    confirm(shell, &client, ApiKeyId(id)).await?;
                }
                let path = format!("/api/v1/keys/{id}/revoke");
                let key: RawJson = client.post(&path, &Empty {}).await?;
                shell.output().one(&key)?;
            }
        }
        Ok(Exit::Ok)
    }
}

fn overlap(text: &str) -> Result<Duration, String> {
    let time = crate::config::duration(text)?;
    if time <= MAX_OVERLAP {
        return Ok(time);
    }
    Err(format!("{} days at most", MAX_OVERLAP.as_secs() / 86_400))
}

/// Prints a new key. Quietly that is the key and not its id, because it is shown only this once.
fn show(shell: &Shell, created: &RawJson) -> anyhow::Result<()> {
    let mut output = shell.output();
    if shell.options.quiet {
        return output.raw(&read::<CreatedKey>(created)?.key);
    }
    if !output.is_for_people() {
        return output.one(created);
    }
    output.text(&read::<CreatedKey>(created)?.key)?;
    note("This key is shown only now; keep it safe.");
    Ok(())
}

/// Asks before the revocation of the key in use, and of the last one that may administer: after it nobody could make another.
async fn confirm(shell: &Shell, client: &Client, id: ApiKeyId) -> anyhow::Result<()> {
    let caller: CallerView = client.get("/api/v1/me").await?;
    let (keys, _) = client.list::<KeyView>("/api/v1/keys", None).await?;
    let now = SystemClock.now();
    let administers = |key: &&KeyView| {
        let is_valid = key.revoked_at.is_none() && key.expires_at.is_none_or(|end| end > now);
        is_valid && key.scopes.iter().any(|scope| *scope == Scope::Admin.to_string())
    };
    let (this, others): (Vec<_>, Vec<_>) = keys.iter().filter(administers).partition(|key| key.id == id);
    let is_last = !this.is_empty() && others.is_empty();
    let what = match (is_last, caller.key_id == id) {
        (true, _) => "the last key that may administer this server",
        (false, true) => "the key that you use yourself",
        (false, false) => return Ok(()),
    };
    if !shell.may_ask() {
        let text = format!("key {id} is {what}; make another first with `crm key create`, or confirm with --yes");
        return Err(Fault::new(Exit::Usage, text).into());
    }
    note(&format!("Key {id} is {what}. Revoke it for good? [y/N]"));
    if agreed().await? {
        return Ok(());
    }
    Err(Fault::new(Exit::Failed, "nothing was revoked").into())
}

/// Asks the server; if none runs, writes to the database itself.
async fn create(shell: &Shell, wanted: CreateKey) -> anyhow::Result<RawJson> {
    let asked = match shell.client() {
        Ok(client) => client.post("/api/v1/keys", &wanted).await,
        Err(error) if shell.config.api_key.is_none() => Err(error),
        Err(error) => return Err(error),
    };
    let error = match asked {
        Ok(created) => return Ok(created),
        Err(error) => error,
    };
    let home = Home::without_server(shell, "crm key create", error).await?;
    let created = keys::make(&home.store, wanted).await;
    let created = created.map_err(|problem| Fault::new(Exit::Usage, problem.detail))?;
    home.store.close().await;
    Ok(RawJson::of(&created)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_knows_every_scope() {
        let known: Vec<Scope> = Right::value_variants().iter().map(|right| (*right).into()).collect();
        assert_eq!(known, Scope::ALL);
    }
}
