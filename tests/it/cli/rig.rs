//! The binary in a folder and an environment of its own.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::api::app::App;

pub const BINARY: &str = env!("CARGO_BIN_EXE_crm");

/// Every command of these tests ends by then.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Shell {
    pub folder: TempDir,
    variables: Vec<(String, String)>,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn lines(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Shell {
    /// With nothing set but a home.
    pub fn bare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().display().to_string();
        Self {
            folder,
            variables: vec![("HOME".to_owned(), home)],
        }
    }

    /// That speaks to this server.
    pub fn of(app: &App) -> Self {
        Self::bare().with("CRM_URL", &app.url).with("CRM_API_KEY", &app.key)
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join(".local/share/crm")
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        self.prepare(&mut command).args(arguments);
        command
    }

    fn prepare<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
    }

    pub async fn run(&self, arguments: &[&str]) -> Ended {
        let output = tokio::time::timeout(PATIENCE, self.command(arguments).output()).await;
        output
            .unwrap_or_else(|_| panic!("crm {arguments:?} does not end"))
            .unwrap()
            .into()
    }

    /// Runs another program in the folder and the environment of this shell.
    pub async fn program(&self, program: &str, arguments: &[&str]) -> Ended {
        let mut command = Command::new(program);
        self.prepare(&mut command).args(arguments);
        let output = tokio::time::timeout(PATIENCE, command.output()).await;
        output
            .unwrap_or_else(|_| panic!("{program} does not end"))
            .unwrap()
            .into()
    }

    /// Runs a command on a terminal of so many columns.
    pub async fn on_terminal(&self, arguments: &[&str], columns: usize) -> Ended {
        let output = tokio::time::timeout(PATIENCE, self.terminal_command(arguments, columns).output()).await;
        let mut ended: Ended = output
            .unwrap_or_else(|_| panic!("crm {arguments:?} does not end"))
            .unwrap()
            .into();
        ended.out = ended.out.replace("\r\n", "\n");
        ended
    }

    /// A command on a terminal of so many columns, whose screen is its standard output.
    pub fn terminal_command(&self, arguments: &[&str], columns: usize) -> Command {
        let words: Vec<String> = arguments.iter().map(|word| format!("'{word}'")).collect();
        let line = format!("stty cols {columns} rows 24; exec '{BINARY}' {}", words.join(" "));
        let mut command = Command::new("/usr/bin/script");
        self.prepare(&mut command)
            .args(["--quiet", "--flush", "--return", "--command", &line, "/dev/null"])
            .env("SHELL", "/bin/sh")
            .env("TERM", "xterm");
        command
    }

    /// Runs a command that has to succeed.
    pub async fn ok(&self, arguments: &[&str]) -> Ended {
        let ended = self.run(arguments).await;
        assert_eq!(ended.code, Some(0), "crm {arguments:?}: {ended:?}");
        ended
    }

    /// Runs a command that is told something on standard input.
    pub async fn told(&self, arguments: &[&str], input: &str) -> Ended {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).await.unwrap();
        drop(stdin);
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
        output.expect("the command ends").unwrap().into()
    }
}
