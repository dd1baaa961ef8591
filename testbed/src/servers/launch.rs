//! Starts processes: as which user, with which environment, and so that they end with us.
//! A test binary may end without dropping anything (a static, a panic while panicking, `kill -9`). Therefore the kernel
//! is asked to signal the process when its parent ends. The kernel does so when the *thread* that started it ends, so
//! one thread that lives as long as the test binary starts all of them.

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

/// Description of a server's process; kept so that it can be started again in the same folder.
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
    /// Creates a description. `folder` is the working folder, which also contains the log.
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

    /// Adds arguments.
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

    /// Removes every variable of our environment whose name has this prefix.
    #[must_use]
    pub fn without_variables(mut self, prefix: &'static str) -> Self {
        self.kept_back.push(prefix);
        self
    }

    /// Sets the signal that ends the process in order together with its children, if it is not KILL.
    #[must_use]
    pub fn ended_by(mut self, end: Signal) -> Self {
        self.end = end;
        self
    }

    /// Starts the process. It may not be ready yet: see [`Process::until`].
    pub fn start(&self) -> Result<Process> {
        let (log, output) = self.open_log()?;
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        self.spawn(command, log)
    }

    /// Starts a process with pipes on its standard input and output; only its standard error goes to the log.
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

    /// Runs the process to its end and returns its output, for set-up programs of a server.
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

    /// Returns the command, wrapped in `setpriv`, which every Debian has. It changes the user, sets the signal for the
    /// parent's death, and then becomes the program itself with the same process id.
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
