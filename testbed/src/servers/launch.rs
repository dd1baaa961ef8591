//! How a process is started: as which user, with what, and tied to our own life.
//!
//! A test binary may end without dropping anything (a static, a panic while panicking, `kill -9`): so the kernel
//! is told to signal the process when we die. It does so when the *thread* that started it ends, therefore all
//! are started by one thread that lasts as long as we do.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{OnceLock, mpsc};

use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;

use super::account::Account;
use super::process::Process;

/// How a server is started; kept, so that it can be started again in the same folder.
#[derive(Clone, Debug)]
pub struct Launch {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    kept_back: Vec<&'static str>,
    folder: PathBuf,
    account: Option<Account>,
    end: Signal,
}

impl Launch {
    /// `folder` is the working folder, and holds the log.
    pub fn new(name: &'static str, program: impl Into<PathBuf>, folder: &Path) -> Self {
        Self {
            name,
            program: program.into(),
            arguments: Vec::new(),
            variables: Vec::new(),
            kept_back: Vec::new(),
            folder: folder.to_owned(),
            account: None,
            end: Signal::KILL,
        }
    }

    #[must_use]
    pub fn arguments<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Runs it as another user.
    #[must_use]
    pub(super) fn account(mut self, account: Option<Account>) -> Self {
        self.account = account;
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Keeps from it every variable of ours whose name begins like this.
    #[must_use]
    pub fn without_variables(mut self, prefix: &'static str) -> Self {
        self.kept_back.push(prefix);
        self
    }

    /// The signal at which it ends in order together with its own children, where that is not KILL.
    #[must_use]
    pub fn ended_by(mut self, end: Signal) -> Self {
        self.end = end;
        self
    }

    /// Starts it. It is not yet ready: see [`Process::until`].
    pub fn start(&self) -> Result<Process> {
        let (log, output) = self.open_log()?;
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        self.spawn(command, log)
    }

    /// Starts a process that is spoken with over its standard input and output; only its errors go to the log.
    pub fn start_talking(&self) -> Result<(Process, ChildStdin, ChildStdout)> {
        let (log, output) = self.open_log()?;
        let mut command = self.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(output);
        let mut process = self.spawn(command, log)?;
        let input = process.child.stdin.take().context("the process has no input")?;
        let output = process.child.stdout.take().context("the process has no output")?;
        Ok((process, input, output))
    }

    fn open_log(&self) -> Result<(PathBuf, File)> {
        let log = self.folder.join("log");
        let file = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .context("the server's log cannot be made")?;
        Ok((log, file))
    }

    fn spawn(&self, mut command: Command, log: PathBuf) -> Result<Process> {
        command.current_dir(&self.folder).process_group(0);
        let child = start_from_lasting_thread(command).with_context(|| format!("{} cannot be started", self.name))?;
        Ok(Process {
            name: self.name,
            end: self.end,
            log,
            child,
            ended: None,
        })
    }

    /// Runs it to its end, for a server's own set-up programs.
    pub async fn run(&self) -> Result<String> {
        let mut command = tokio::process::Command::from(self.command());
        command
            .stdin(Stdio::null())
            .current_dir(&self.folder)
            .kill_on_drop(true);
        let output = command
            .output()
            .await
            .with_context(|| format!("{} cannot be started", self.name))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let also = String::from_utf8_lossy(&output.stdout);
            bail!("{} ended with {}:\n{also}{said}", self.name, output.status);
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Through `setpriv`, which every Debian has: it changes user and sets the signal of our death, then becomes the
    /// program itself, under the same process id.
    fn command(&self) -> Command {
        let mut command = Command::new("setpriv");
        if let Some(Account { uid, gid }) = self.account {
            command.args([
                format!("--reuid={uid}"),
                format!("--regid={gid}"),
                "--clear-groups".to_owned(),
            ]);
        }
        let end = match self.end {
            Signal::QUIT => "QUIT",
            Signal::TERM => "TERM",
            _ => "KILL",
        };
        let ours = std::env::vars_os().map(|(name, _)| name);
        let kept_back = |name: &OsString| {
            let name = name.to_string_lossy();
            self.kept_back.iter().any(|prefix| name.starts_with(prefix))
        };
        for name in ours.filter(kept_back) {
            command.env_remove(name);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
            .args(["--pdeathsig", end, "--"])
            .arg(&self.program)
            .args(&self.arguments);
        command
    }
}

type Start = (Command, mpsc::SyncSender<io::Result<Child>>);

fn start_from_lasting_thread(command: Command) -> io::Result<Child> {
    static STARTER: OnceLock<mpsc::Sender<Start>> = OnceLock::new();
    let starter = STARTER.get_or_init(|| {
        let (sender, starts) = mpsc::channel::<Start>();
        #[expect(
            clippy::disallowed_methods,
            reason = "the kernel ties a child's death signal to the thread that made it"
        )]
        std::thread::spawn(move || {
            for (mut command, answer) in starts {
                let _ = answer.send(command.spawn());
            }
        });
        sender
    });
    let gone = || io::Error::other("the thread that starts servers is gone");
    let (answer, answered) = mpsc::sync_channel(1);
    starter.send((command, answer)).map_err(|_| gone())?;
    answered.recv().map_err(|_| gone())?
}
