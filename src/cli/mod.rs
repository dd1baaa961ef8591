//! The shell: one file a command. Commands are clients of the API, except `serve`, `login` and `account` without a
//! server, `doctor`, `matrix`, `completion`, `man`, `restore` and the first `key create`. Data goes to standard output,
//! everything else to standard error.

mod account;
mod agent;
mod audit;
mod backup;
mod client;
mod conversation;
mod customer;
mod desk;
mod doctor;
mod exit;
mod export;
mod file;
mod follow;
mod generate;
mod home;
mod key;
mod listing;
mod login;
mod matrix;
mod media;
mod message;
mod neighbours;
mod outbox;
mod send;
mod serve;
mod status;
mod sync;
mod terminal;
mod time;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

pub use exit::{Exit, Fault};
pub use terminal::output::Format;

use crate::config::{Config, Environment};
use crate::domain::customer::PhoneNumber;
use crate::supervisor::Supervisor;
use crate::telemetry;

/// A WhatsApp desk for small teams.
#[derive(Debug, Parser)]
#[command(name = "crm", version, propagate_version = true, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 login needed, 5 rate limited, \
    6 unreachable, 7 conflict, 8 outcome unknown, 124 timed out, 130 interrupted";

#[derive(Debug, Args)]
struct Global {
    /// Read this configuration file and no other
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Keep all data in this folder
    #[arg(long, global = true, value_name = "FOLDER")]
    data_dir: Option<String>,
    /// Address of the server
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
    /// What to log: error, warn, info, debug or trace
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    #[command(flatten)]
    options: CommonOptions,
}

/// How a command speaks and how long it may take.
#[derive(Clone, Debug, Args)]
pub struct CommonOptions {
    /// How to write data [default: table]
    #[arg(short = 'o', long = "output", global = true, value_name = "FORMAT")]
    pub output: Option<Format>,
    /// Print only ids, and nothing where there are none
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Give up after this long, with exit code 124
    #[arg(long, global = true, value_name = "TIME", value_parser = crate::config::duration)]
    pub timeout: Option<Duration>,
    /// Never ask
    #[arg(long, global = true)]
    pub no_input: bool,
}

/// Configuration and global options of a command.
pub struct Shell {
    pub config: Config,
    pub options: CommonOptions,
}

impl Shell {
    fn client(&self) -> anyhow::Result<client::Client> {
        client::Client::new(&self.config)
    }

    fn output(&self) -> terminal::output::Output {
        terminal::output::Output::new(self.options.output.unwrap_or_default(), self.options.quiet)
    }

    /// Returns an output that keeps a page.
    fn page(&self) -> terminal::output::Output {
        terminal::output::Output::page(self.options.output.unwrap_or_default(), self.options.quiet)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Login(login::Login),
    Logout(login::logout::Logout),
    Status(status::Status),
    Sync(sync::Sync),
    Doctor(doctor::Doctor),
    Send(send::Send),
    Tail(follow::tail::Tail),
    Account(account::Account),
    Agent(agent::Agent),
    Customer(customer::Customer),
    Conversation(conversation::Conversation),
    Attribute(desk::attribute::Attribute),
    Label(desk::label::Label),
    Message(message::Message),
    Media(media::Media),
    Template(desk::template::Template),
    Matrix(matrix::Matrix),
    Outbox(outbox::Outbox),
    Export(export::Export),
    Key(key::Key),
    Audit(audit::Audit),
    Backup(backup::Backup),
    Restore(backup::restore::Restore),
    Completion(generate::completion::Completion),
    Man(generate::man::Man),
}

impl Command {
    /// The address of `serve --listen`.
    fn listen(&self) -> Option<&str> {
        match self {
            Self::Serve(command) => command.listen.as_deref(),
            _ => None,
        }
    }

    async fn run(self, shell: Shell) -> anyhow::Result<Exit> {
        let timeout = shell.options.timeout;
        // Commands that may be interrupted at any moment.
        let command: BoxFuture<'static, anyhow::Result<Exit>> = match self {
            // These handle signals and the timeout themselves, because they have to shut down in order.
            Self::Serve(command) => return command.run(&shell).await,
            Self::Login(command) => return command.run(&shell).await,
            Self::Account(command) => return command.run(&shell).await,
            // When its timeout ends, this still prints the message's state; interrupted, it tells what becomes of it.
            Self::Send(command) => {
                let progress = send::Progress::default();
                let kept = progress.clone();
                let end = interruptible(None, async move { command.run(&shell, &kept).await }).await;
                if matches!(end, Ok(Exit::Interrupted)) {
                    progress.tell();
                }
                return end;
            }
            Self::Logout(command) => async move { command.run(&shell).await }.boxed(),
            Self::Status(command) => async move { command.run(&shell).await }.boxed(),
            Self::Sync(command) => async move { command.run(&shell).await }.boxed(),
            Self::Doctor(command) => async move { command.run(&shell).await }.boxed(),
            Self::Tail(command) => async move { command.run(&shell).await }.boxed(),
            Self::Agent(command) => async move { command.run(&shell).await }.boxed(),
            Self::Customer(command) => async move { command.run(&shell).await }.boxed(),
            Self::Conversation(command) => async move { command.run(&shell).await }.boxed(),
            Self::Attribute(command) => async move { command.run(&shell).await }.boxed(),
            Self::Label(command) => async move { command.run(&shell).await }.boxed(),
            Self::Message(command) => async move { command.run(&shell).await }.boxed(),
            Self::Template(command) => async move { command.run(&shell).await }.boxed(),
            Self::Media(command) => async move { command.run(&shell).await }.boxed(),
            Self::Matrix(command) => async move { command.run(&shell).await }.boxed(),
            Self::Outbox(command) => async move { command.run(&shell).await }.boxed(),
            Self::Export(command) => async move { command.run(&shell).await }.boxed(),
            Self::Key(command) => async move { command.run(&shell).await }.boxed(),
            Self::Audit(command) => async move { command.run(&shell).await }.boxed(),
            Self::Backup(command) => async move { command.run(&shell).await }.boxed(),
            Self::Restore(command) => async move { command.run(&shell).await }.boxed(),
            Self::Completion(command) => async move { command.run(&shell) }.boxed(),
            Self::Man(command) => async move { command.run(&shell) }.boxed(),
        };
        interruptible(timeout, command).await
    }
}

/// Runs a command in its own task, so that it can be interrupted at any moment, also while a reader of its output
/// blocks it.
async fn interruptible<F>(timeout: Option<Duration>, command: F) -> anyhow::Result<Exit>
where
    F: Future<Output = anyhow::Result<Exit>> + std::marker::Send + 'static,
{
    let (tell, told) = tokio::sync::oneshot::channel();
    Supervisor::new().spawn_short("command", async move {
        // The receiver is dropped when the command was interrupted.
        let _ = tell.send(command.await);
    });
    leave(timeout, async { told.await.context("the command broke down")? }).await
}

/// Waits until a command ends, the timeout ends or a signal comes.
async fn leave(timeout: Option<Duration>, command: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    let mut signals = serve::signals::Signals::listen()?;
    let late = async {
        match timeout {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        end = command => end,
        () = signals.next() => Ok(Exit::Interrupted),
        () = late => Err(Fault::new(Exit::TimedOut, "timed out; allow more time with --timeout").into()),
    }
}

/// Parses a phone number where there is no server to do it.
fn phone_number(shell: &Shell, text: &str) -> anyhow::Result<PhoneNumber> {
    let parsed = PhoneNumber::read(text, shell.config.phone_region);
    Ok(parsed.map_err(|error| Fault::new(Exit::Usage, error.to_string()))?)
}

/// Runs the command line of this process. Files that it creates are readable by their owner only.
pub fn main() -> ExitCode {
    generate::complete::answer(Cli::command);
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    run(std::env::args_os()).into()
}

fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let error = told(error);
            // A closed pipe while printing help is no failure.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Ok };
        }
    };
    exit::of(cli.execute())
}

/// Returns the error of a wrong command line; of a value that is no number, it says what to give in place of what the parser
/// stumbled over.
fn told(error: clap::Error) -> clap::Error {
    use clap::error::{ContextKind, ContextValue, ErrorKind};
    let is_no_number =
        std::error::Error::source(&error).is_some_and(<dyn std::error::Error>::is::<std::num::ParseIntError>);
    let given = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    match (given(ContextKind::InvalidArg), given(ContextKind::InvalidValue)) {
        (Some(argument), Some(value)) if is_no_number => {
            let text = format!(
                "invalid value '{value}' for '{argument}': give a whole number, such as 17\n\nFor more information, try '--help'.\n"
            );
            clap::Error::raw(ErrorKind::ValueValidation, text)
        }
        _ => error,
    }
}

impl Cli {
    fn execute(self) -> anyhow::Result<Exit> {
        let shell = Shell {
            config: self.global.resolve(self.command.listen())?,
            options: self.global.options,
        };
        telemetry::init(&shell.config, crate::matrix::QUIET)?;
        if matches!(self.command, Command::Serve(_)) {
            serve::heaps::bound();
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let end = runtime.block_on(self.command.run(shell));
        // Remaining tasks wait for a terminal or disk that does not answer; do not wait for them.
        runtime.shutdown_background();
        end
    }
}

impl Global {
    fn resolve(&self, listen: Option<&str>) -> anyhow::Result<Config> {
        let flags: Vec<_> = [
            ("data_dir", self.data_dir.as_deref()),
            ("url", self.url.as_deref()),
            ("log", self.log.as_deref()),
            ("listen", listen),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?.to_owned())))
        .collect();
        Ok(Config::load(
            &flags,
            self.config.as_deref(),
            &Environment::of_process(),
        )?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_definition_is_valid() {
        Cli::command().debug_assert();
    }
}
