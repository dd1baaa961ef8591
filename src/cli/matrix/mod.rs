//! `crm matrix`: sets up the application service, checks the set-up, and looks after the bot's login and keys. Works without a
//! server.

mod abandon;
mod bot;
mod release;

use std::path::Path;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use rand::TryRng as _;
use rand::rngs::SysRng;

use crate::cli::doctor::{Finding, Verdict};
use crate::cli::home::write_secret;
use crate::cli::serve::ports;
use crate::cli::terminal::output;
use crate::cli::{Exit, Fault, Shell};
use crate::config::{Config, DataDir, MatrixMode};
use crate::contract::StatusView;
use crate::domain::hex::hex;
use crate::matrix::{self, Checked, Judgement, Registration};

/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;

/// Set up Matrix as an application service, check the set-up, and look after the bot's login and keys
#[derive(Debug, Args)]
pub struct Matrix {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write the registration file that the homeserver reads, and print it
    ///
    /// --url is the address at which the homeserver reaches this server. The tokens of a file that exists are kept.
    Registration {
        /// Name of the homeserver, the part of its user ids after the colon [default: that of the first agent]
        #[arg(long, value_name = "NAME")]
        server: Option<String>,
    },
    /// Check whether homeserver and server know and reach each other, and say what to do
    Check,
    /// Log the bot in, sign its device and turn its key backup on, where they are not, and show how each stands
    ///
    /// A start of the server does the same. Stop the server first.
    Verify,
    /// Forget the bot's login and its encryption keys; the next start logs in as a new device
    ///
    /// Rooms and conversations stay. With the recovery key the bot gets identity and keys back. Stop the server first.
    Reset {
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Also begin a new key backup; what only the old one could decrypt is lost
        #[arg(long)]
        new_backup: bool,
    },
    /// Give up the rooms of the former login, where it is gone for good and cannot hand them over
    ///
    /// Each conversation gets a new room with its next message. What agents wrote in the old rooms and was not taken in is
    /// lost. Stop the server first.
    Abandon {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Release the rooms of a server that shared the database and is gone for good, so that the next one keeps them
    ///
    /// Refused while that server runs on this machine; on another machine, make sure yourself. Stop the server first.
    Release,
    /// Print the recovery key of the bot's key backup, to be saved elsewhere
    RecoveryKey {
        /// Read the key from standard input and put it in place
        #[arg(long)]
        restore: bool,
    },
}

const COLUMNS: &[&str] = &["verdict", "check", "detail"];

impl Matrix {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        match self.verb {
            Verb::Registration { server } => registration(shell, server),
            Verb::Check => check(shell).await,
            Verb::Verify => bot::verify(shell).await,
            Verb::Reset { yes, new_backup } => bot::reset(shell, yes, new_backup).await,
            Verb::Abandon { yes } => abandon::run(shell, yes).await,
            Verb::Release => release::run(shell).await,
            Verb::RecoveryKey { restore } => bot::recovery_key(shell, restore).await,
        }
    }
}

/// Asks whether to do something that cannot be undone, and says what is lost by it.
async fn confirm(shell: &Shell, what: &str, lost: &str) -> anyhow::Result<()> {
    if !shell.may_ask() {
        let text = format!("this would {what}. {lost}. Confirm with --yes");
        return Err(Fault::new(Exit::Usage, text).into());
    }
    output::note(&format!("{lost}. Do you want to {what}? [y/N]"));
    if output::agreed().await? {
        return Ok(());
    }
    Err(Fault::new(Exit::Failed, "nothing was changed").into())
}

fn registration(shell: &Shell, server: Option<String>) -> anyhow::Result<Exit> {
    let config = &shell.config;
    let path = &config.matrix.registration;
    let server = server.or_else(|| server_of_agents(config));
    let [one, two] = [token()?, token()?];
    let mut made = Registration::new(config.url.clone(), server.as_deref(), [one, two]);
    // An empty file is one into which the shell redirects what we print.
    if std::fs::metadata(path).is_ok_and(|file| file.len() > 0) {
        let kept = ports::registration(path)?;
        made = Registration {
            url: made.url,
            namespaces: if server.is_some() {
                made.namespaces
            } else {
                kept.namespaces.clone()
            },
            ..kept
        };
    }
    let text = made.to_yaml()?;
    if path.starts_with(&config.data_dir) {
        DataDir::open(&config.data_dir)?;
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    write_secret(path, text.trim_end()).with_context(|| format!("writing {}", path.display()))?;
    let mut out = shell.output();
    if out.is_for_people() {
        out.text(text.trim_end())?;
    } else {
        out.one(&made)?;
    }
    for line in advice(config, path).lines() {
        output::note(line);
    }
    Ok(Exit::Ok)
}

/// Returns what to do with the file.
fn advice(config: &Config, path: &Path) -> String {
    let (path, url) = (path.display(), &config.url);
    let service = if config.matrix.mode == MatrixMode::Service {
        ""
    } else {
        "set CRM_MATRIX_MODE=service and "
    };
    format!(
        "Written to {path}, which only you can read. What to do now:\n\
         1. Let the homeserver read a copy of it. Synapse: in homeserver.yaml\n   \
         app_service_config_files: [\"{path}\"]\n   \
         experimental_features: {{msc4190_enabled: true}}\n   \
         Others: as their manual says of application services.\n\
         2. Restart the homeserver. It will call {url}.\n\
         3. Here: {service}start `crm serve`, then run `crm matrix check`."
    )
}

/// Returns the name of the homeserver that the first agent is on.
fn server_of_agents(config: &Config) -> Option<String> {
    let (_, server) = config.matrix.agents.first()?.split_once(':')?;
    Some(server.to_owned())
}

fn token() -> anyhow::Result<String> {
    let mut bytes = [0; TOKEN_BYTES];
    SysRng
        .try_fill_bytes(&mut bytes)
        .context("asking the system for randomness")?;
    Ok(hex(&bytes))
}

async fn check(shell: &Shell) -> anyhow::Result<Exit> {
    let config = &shell.config;
    if config.matrix.mode == MatrixMode::Bot {
        let text = "Matrix is set up for a bot, which `crm doctor` checks; for an application service set CRM_MATRIX_MODE=service";
        return Err(Fault::new(Exit::Usage, text).into());
    }
    let options = ports::service_options(config, "", vec![])?;
    let listen = config.matrix.listen.unwrap_or(config.listen);
    let mut checked = matrix::check(&options, listen).await;
    checked.extend(told_by_server(shell).await);
    show(shell, checked)
}

/// Returns what the server says of the rooms, if it runs and there is something to say: above all how far a move is.
async fn told_by_server(shell: &Shell) -> Option<Checked> {
    let status: StatusView = shell.client().ok()?.get("/api/v1/status").await.ok()?;
    let detail = status.matrix.detail?;
    Some(Checked {
        check: "rooms",
        judgement: Judgement::Doubtful,
        detail,
    })
}

/// Prints the results of checks; fails if one of them did.
fn show(shell: &Shell, checked: Vec<Checked>) -> anyhow::Result<Exit> {
    let findings: Vec<Finding> = checked
        .into_iter()
        .map(|checked| {
            let verdict = match checked.judgement {
                Judgement::Good => Verdict::Ok,
                Judgement::Doubtful => Verdict::Warning,
                Judgement::Bad => Verdict::Failed,
            };
            Finding::new(checked.check, verdict, checked.detail)
        })
        .collect();
    shell.output().list(&findings, COLUMNS)?;
    let failed = findings.iter().any(|finding| finding.verdict == Verdict::Failed);
    Ok(if failed { Exit::Failed } else { Exit::Ok })
}
