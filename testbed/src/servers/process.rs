//! One server process: started in a group of its own, its output in a log file, killed and reaped when dropped.
//!
//! A test binary may also end without dropping anything (a static, a panic while panicking, `kill -9`): so the kernel
//! is told to signal the server when we die. It does so when the *thread* that started the server ends, therefore all
//! are started by one thread that lasts as long as the process.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process_group};

use super::account::Account;

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(20);
/// How much of its log a server that failed is quoted with.
const QUOTED_LINES: usize = 40;

/// How a server is started; kept, so that it can be started again in the same folder.
#[derive(Clone, Debug)]
pub struct Launch {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<OsString>,
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

    /// The signal that ends it at once together with its own children, where that is not KILL.
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
        let end = if self.end == Signal::QUIT { "QUIT" } else { "KILL" };
        command
            .args(["--pdeathsig", end, "--"])
            .arg(&self.program)
            .args(&self.arguments);
        command
    }
}

/// A running server process.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    end: Signal,
    log: PathBuf,
    child: Child,
    ended: Option<ExitStatus>,
}

impl Process {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its standard output and error go.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Whether it has ended by itself, or by our hand.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    /// `kill -9` of the whole group, and reaps.
    pub fn kill_9(&mut self) {
        self.signal(Signal::KILL);
        self.reap();
    }

    /// Sends the signal to the whole group, unless the process has ended.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_some() {
            return;
        }
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, signal);
        }
    }

    fn reap(&mut self) {
        if self.ended.is_none() {
            self.ended = self.child.wait().ok();
        }
    }

    /// Waits until the condition holds.
    ///
    /// # Errors
    /// The server ended first, or the deadline passed; the message quotes its log.
    pub async fn until(&mut self, deadline: Duration, mut holds: impl AsyncFnMut() -> bool) -> Result<()> {
        let end = tokio::time::Instant::now() + deadline;
        loop {
            if let Some(status) = self.ended() {
                bail!(
                    "{} ended with {status} before it was ready:\n{}",
                    self.name,
                    self.last_words()
                );
            }
            if holds().await {
                return Ok(());
            }
            if tokio::time::Instant::now() >= end {
                bail!(
                    "{} was not ready within {deadline:?}:\n{}",
                    self.name,
                    self.last_words()
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The end of its log.
    pub fn last_words(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(self.end);
        self.reap();
    }
}

/// Whether the process is there and more than a corpse that nobody has reaped.
pub fn is_running(pid: u32) -> bool {
    // proc(5): the state follows the program's name, which is in brackets and may hold anything.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Names the file for the server's id when this test binary is started as the owner of a server.
    const OWNER: &str = "CRM_TESTBED_TEST_OWNER";

    #[test]
    fn owner_of_a_server() {
        let Some(told) = std::env::var_os(OWNER).map(PathBuf::from) else {
            return;
        };
        let launch = Launch::new("sleep", "sleep", told.parent().unwrap()).arguments(["600"]);
        let server = launch.start().unwrap();
        std::fs::write(told.with_extension("part"), server.pid().to_string()).unwrap();
        std::fs::rename(told.with_extension("part"), &told).unwrap();
        loop {
            std::thread::park();
        }
    }

    #[tokio::test]
    async fn a_server_dies_with_an_owner_that_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let told = folder.path().join("pid");
        let myself = std::env::current_exe().unwrap();
        let owner = Launch::new("owner", "env", folder.path())
            .arguments([format!("{OWNER}={}", told.display()), myself.display().to_string()])
            .arguments(["--exact", "servers::process::tests::owner_of_a_server"]);
        let mut owner = owner.start().unwrap();
        let second = Duration::from_secs(10);
        owner.until(second, async || told.exists()).await.unwrap();
        let server: u32 = std::fs::read_to_string(&told).unwrap().parse().unwrap();
        assert!(is_running(server));
        owner.kill_9();
        let gone = async {
            while is_running(server) {
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::time::timeout(second, gone)
            .await
            .expect("the server outlived its killed owner");
    }
}
