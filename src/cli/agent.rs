//! `crm agent`: the people who answer customers.

use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;

use super::client::Client;
use super::follow::{self, watch::Watch};
use super::generate::complete;
use super::{Exit, Fault, Shell, listing};
use crate::contract::{AccountRef, AgentView, EditAgent, NewAgent, RawJson};
use crate::domain::{AgentId, Role};

/// The people who answer customers, and what each may do
#[derive(Debug, Args)]
pub struct Agent {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List agents
    List {
        #[command(flatten)]
        amount: listing::Amount,
        /// Only agents who work at the desk now
        #[arg(long)]
        active: bool,
        #[command(flatten)]
        watch: Watch,
    },
    /// Show an agent
    View {
        /// Name or id of the agent
        #[arg(value_name = "AGENT", add = complete::agents())]
        agent: String,
    },
    /// Add an agent
    Add {
        /// Name that colleagues see
        #[arg(value_name = "NAME")]
        name: String,
        /// Their user on Matrix, such as @ada:example.org
        #[arg(long, value_name = "USER")]
        matrix_user: Option<String>,
        /// What they may do
        #[arg(long, value_enum, default_value_t = RoleWord::Agent)]
        role: RoleWord,
        /// Only for this account; may be repeated
        #[arg(long = "account", value_name = "NAME", add = complete::accounts())]
        accounts: Vec<String>,
        /// Put this under what they write to customers; one or two lines
        #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
        signature: Option<String>,
        /// Their zone, in which they give times, such as Europe/London
        #[arg(long, value_name = "ZONE")]
        time_zone: Option<String>,
    },
    /// Change an agent
    Edit {
        /// Name or id of the agent
        #[arg(value_name = "AGENT", add = complete::agents())]
        agent: String,
        /// Their new name
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Their user on Matrix
        #[arg(long, value_name = "USER", conflicts_with = "no_matrix_user")]
        matrix_user: Option<String>,
        /// They have no user on Matrix any more
        #[arg(long)]
        no_matrix_user: bool,
        /// What they may do
        #[arg(long, value_enum)]
        role: Option<RoleWord>,
        /// Only for this account; may be repeated
        #[arg(long = "account", value_name = "NAME", conflicts_with = "all_accounts", add = complete::accounts())]
        accounts: Vec<String>,
        /// For all accounts
        #[arg(long)]
        all_accounts: bool,
        /// Put this under what they write to customers; one or two lines
        #[arg(
            long,
            value_name = "TEXT",
            allow_hyphen_values = true,
            conflicts_with = "no_signature"
        )]
        signature: Option<String>,
        /// Put nothing under what they write
        #[arg(long)]
        no_signature: bool,
        /// Their zone, in which they give times, such as Europe/London
        #[arg(long, value_name = "ZONE", conflicts_with = "no_time_zone")]
        time_zone: Option<String>,
        /// They give times in the zone of the account
        #[arg(long)]
        no_time_zone: bool,
    },
    /// Deactivate an agent: what they write reaches nobody, and their keys end at once
    Deactivate {
        /// Name or id of the agent
        #[arg(value_name = "AGENT", add = complete::agents())]
        agent: String,
    },
    /// Activate an agent again
    Activate {
        /// Name or id of the agent
        #[arg(value_name = "AGENT", add = complete::agents())]
        agent: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleWord {
    Agent,
    Manager,
    Admin,
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::Agent => Self::Agent,
            RoleWord::Manager => Self::Manager,
            RoleWord::Admin => Self::Admin,
        }
    }
}

const COLUMNS: &[&str] = &["id", "name", "role", "accounts", "matrix_user", "active"];

impl Agent {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        match self.verb {
            Verb::List { amount, active, watch } => {
                let path = if active {
                    "/api/v1/agents?active=true"
                } else {
                    "/api/v1/agents"
                };
                let about = follow::events(&["agent.created", "agent.updated"]);
                let show = |output| listing::show(output, &client, path, amount, COLUMNS);
                return watch.run(shell, about, show).await;
            }
            Verb::View { agent } => {
                let id = id(&client, &agent).await?;
                let agent: RawJson = client.get(&format!("/api/v1/agents/{id}")).await?;
                shell.output().one(&agent)?;
            }
            Verb::Add {
                name,
                matrix_user,
                role,
                accounts,
                signature,
                time_zone,
            } => {
                let new = NewAgent {
                    name,
                    matrix_user,
                    role: Some(role.into()),
                    accounts: named(accounts),
                    signature,
                    time_zone,
                };
                let agent: RawJson = client.post("/api/v1/agents", &new).await?;
                shell.output().one(&agent)?;
            }
            Verb::Edit {
                agent,
                name,
                matrix_user,
                no_matrix_user,
                role,
                accounts,
                all_accounts,
                signature,
                no_signature,
                time_zone,
                no_time_zone,
            } => {
                let edit = EditAgent {
                    name,
                    matrix_user: matrix_user.map(Some).or_else(|| no_matrix_user.then_some(None)),
                    role: role.map(Into::into),
                    accounts: named(accounts).map(Some).or_else(|| all_accounts.then_some(None)),
                    active: None,
                    signature: signature.map(Some).or_else(|| no_signature.then_some(None)),
                    time_zone: time_zone.map(Some).or_else(|| no_time_zone.then_some(None)),
                };
                change(shell, &client, &agent, &edit).await?;
            }
            Verb::Deactivate { agent } => change(shell, &client, &agent, &set_active(false)).await?,
            Verb::Activate { agent } => change(shell, &client, &agent, &set_active(true)).await?,
        }
        Ok(Exit::Ok)
    }
}

fn set_active(active: bool) -> EditAgent {
    EditAgent {
        active: Some(active),
        ..EditAgent::default()
    }
}

async fn change(shell: &Shell, client: &Client, agent: &str, edit: &EditAgent) -> anyhow::Result<()> {
    let path = format!("/api/v1/agents/{}", id(client, agent).await?);
    let agent: RawJson = client.change(Method::PATCH, &path, edit).await?;
    shell.output().one(&agent)
}

/// Returns the accounts that were named; `None` if none was.
pub fn named(accounts: Vec<String>) -> Option<Vec<AccountRef>> {
    (!accounts.is_empty()).then(|| accounts.into_iter().map(AccountRef::Name).collect())
}

/// Returns the id of an agent who is given by id or by name. Of several with one name, the active one counts.
pub async fn id(client: &Client, agent: &str) -> anyhow::Result<AgentId> {
    if let Ok(id) = agent.parse() {
        return Ok(AgentId(id));
    }
    let (agents, _) = client.list::<AgentView>("/api/v1/agents", None).await?;
    let wanted = agent.to_lowercase();
    let mut same: Vec<_> = agents
        .into_iter()
        .filter(|agent| agent.name.to_lowercase() == wanted)
        .collect();
    if same.iter().any(|agent| agent.active) {
        same.retain(|agent| agent.active);
    }
    match same.as_slice() {
        [one] => Ok(one.id),
        [] => {
            let text = format!("there is no agent {agent}; `crm agent list` shows those that there are");
            Err(Fault::new(Exit::NotFound, text).into())
        }
        several => {
            let ids: Vec<_> = several.iter().map(|agent| agent.id.to_string()).collect();
            let text = format!("several agents are called {agent}; give an id: {}", ids.join(", "));
            Err(Fault::new(Exit::Usage, text).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_knows_every_role() {
        let known: Vec<Role> = RoleWord::value_variants().iter().map(|role| (*role).into()).collect();
        assert_eq!(known, Role::ALL);
    }
}
