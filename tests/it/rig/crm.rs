//! The binary: started, asked, killed and started again on one data folder.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use serde_json::Value;
use testbed::servers::{Folder, Launch, Process, Signal, free_port};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::{PATIENCE, until};

const BINARY: &str = env!("CARGO_BIN_EXE_crm");

/// What differs between one test's server and another's: lines of `crm.toml`.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub whatsapp_url: String,
    /// Whether "typing…" is shown before a text, which takes its time.
    pub typing: bool,
    /// More lines for `[whatsapp]`.
    pub whatsapp: String,
    /// The whole of `[matrix]`; empty: no Matrix.
    pub matrix: String,
    /// More lines for the top.
    pub top: String,
    /// Port of the server; none: a free one.
    pub port: Option<u16>,
}

/// A server on a data folder of its own. What it leaves behind when it is dropped is the test's shame: the browser is
/// looked for.
pub struct Crm {
    process: Option<Process>,
    launch: Launch,
    folder: Folder,
    pub url: String,
}

impl Crm {
    /// Writes the configuration; starts nothing.
    pub fn new(settings: &Settings) -> Self {
        let folder = Folder::new("crm").unwrap();
        let port = settings.port.unwrap_or_else(|| free_port().unwrap());
        let data = folder.path().join("data").display().to_string();
        let config = format!(
            "data_dir = {data:?}\nlisten = \"127.0.0.1:{port}\"\n{top}\n[whatsapp]\nurl = {url:?}\ntyping = {typing}\nspacing = \"0s..0s\"\nfirst_contacts = 0\n{whatsapp}\n[matrix]\n{matrix}\n",
            top = settings.top,
            url = settings.whatsapp_url,
            typing = settings.typing,
            whatsapp = settings.whatsapp,
            matrix = settings.matrix,
        );
        std::fs::write(folder.path().join("crm.toml"), config).unwrap();
        let launch = Launch::new("crm", BINARY, folder.path())
            .arguments(["serve"])
            .ended_by(Signal::KILL);
        Self {
            process: None,
            launch,
            folder,
            url: format!("http://127.0.0.1:{port}"),
        }
    }

    /// Writes another `[matrix]` into the configuration, for the next start.
    pub fn set_matrix(&self, matrix: &str) {
        let path = self.folder.path().join("crm.toml");
        let config = std::fs::read_to_string(&path).unwrap();
        let (before, _) = config.split_once("[matrix]\n").expect("a section of Matrix");
        std::fs::write(path, format!("{before}[matrix]\n{matrix}\n")).unwrap();
    }

    /// Starts the server and waits until it answers.
    pub async fn serve(&mut self) {
        let mut process = self.launch.start().unwrap();
        let health = format!("{}/healthz", self.url);
        let client = reqwest::Client::new();
        let up = process
            .until(PATIENCE, async || {
                client
                    .get(&health)
                    .send()
                    .await
                    .is_ok_and(|answer| answer.status().is_success())
            })
            .await;
        if let Err(error) = up {
            panic!("{error:#}");
        }
        self.process = Some(process);
    }

    /// `kill -9` of the server alone: its browser is in a group of its own, and stays to be found.
    pub fn kill_9(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill_9();
        }
    }

    /// Ctrl-C, and waits for its end.
    pub async fn interrupt(&mut self) -> std::process::ExitStatus {
        let mut process = self.process.take().expect("a server that runs");
        process.signal(Signal::INT);
        until("the end of the server after Ctrl-C", async || process.ended()).await
    }

    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("a server that runs").pid()
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The key that the first start has made.
    pub fn admin_key(&self) -> String {
        std::fs::read_to_string(self.data_dir().join("admin.key"))
            .unwrap()
            .trim()
            .to_owned()
    }

    /// The end of the server's log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// A command of the shell, as typed in the server's folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .kill_on_drop(true);
        command
    }

    /// Runs a command to its end.
    pub async fn run(&self, arguments: &[&str]) -> Output {
        self.run_within(PATIENCE, arguments).await
    }

    /// The same for one that may take longer than usual.
    pub async fn run_within(&self, patience: Duration, arguments: &[&str]) -> Output {
        let output = self.command(arguments).stdin(std::process::Stdio::null()).output();
        tokio::time::timeout(patience, output)
            .await
            .expect("the command ends")
            .unwrap()
    }

    /// Runs a command that has to succeed, and reads its JSON.
    pub async fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "crm {arguments:?} ended with {}: {said}",
            output.status
        );
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!(
                "crm {arguments:?}: {error}: {}",
                String::from_utf8_lossy(&output.stdout)
            )
        })
    }

    /// Runs a command that has to succeed, and reads its lines of JSON.
    pub async fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        self.lines_within(PATIENCE, arguments).await
    }

    /// The same for a command that may take longer than usual.
    pub async fn lines_within(&self, patience: Duration, arguments: &[&str]) -> Vec<Value> {
        let output = self.run_within(patience, arguments).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "crm {arguments:?} ended with {}: {said}",
            output.status
        );
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// `crm login -o json`: the phone scans each code that it shows, until it says `ready`.
    pub async fn login(&self, phone: &testbed::standin::Phone) {
        self.login_with(phone, &[]).await;
    }

    /// The same, with further arguments; a pairing code is typed on the phone.
    pub async fn login_with(&self, phone: &testbed::standin::Phone, arguments: &[&str]) {
        let mut child = self
            .command(&[&["login", "-o", "json"], arguments].concat())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let follow = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                let event: Value = serde_json::from_str(&line).unwrap();
                let code = event["code"].as_str().unwrap_or_default();
                match event["event"].as_str() {
                    // A code that has been replaced meanwhile is refused; the next one comes.
                    Some("qr") if !arguments.contains(&"--phone") => drop(phone.scan(code).await),
                    Some("pairing_code") => drop(phone.type_pairing_code(code).await),
                    Some("state") if event["state"] == "ready" => return,
                    _ => {}
                }
            }
            panic!("crm login ended without `ready`; the server says:\n{}", self.log());
        };
        tokio::time::timeout(PATIENCE, follow)
            .await
            .unwrap_or_else(|_| panic!("crm login did not come to `ready`; the server says:\n{}", self.log()));
        let _ = tokio::time::timeout(Duration::from_secs(10), child.wait()).await;
    }

    /// The state of an account.
    pub async fn state_of(&self, account: &str) -> Option<String> {
        let output = self.run(&["status", "-o", "json"]).await;
        let status: Value = serde_json::from_slice(&output.stdout).ok()?;
        let mut accounts = status["accounts"].as_array()?.iter();
        let found = accounts.find(|found| found["name"] == account)?;
        Some(found["state"].as_str()?.to_owned())
    }

    /// The state of the only account.
    pub async fn account_state(&self) -> Option<String> {
        let output = self.run(&["status", "-o", "json"]).await;
        let status: Value = serde_json::from_slice(&output.stdout).ok()?;
        Some(status["accounts"][0]["state"].as_str()?.to_owned())
    }

    pub async fn until_ready(&self) {
        until("the account's state `ready`", async || {
            (self.account_state().await.as_deref() == Some("ready")).then_some(())
        })
        .await;
    }

    /// The browser itself, without its helpers.
    pub fn browsers(&self) -> Vec<u32> {
        let is_helper = |pid: &u32| arguments_of(*pid).contains("--type=");
        self.browser_processes()
            .into_iter()
            .filter(|pid| !is_helper(pid))
            .collect()
    }

    /// The drivers that the server has started.
    pub fn drivers(&self) -> Vec<u32> {
        let Some(server) = self.process.as_ref().map(Process::pid) else {
            return vec![];
        };
        let drivers = processes_naming("chromedriver").into_iter();
        drivers.filter(|pid| parent_of(*pid) == Some(server)).collect()
    }

    /// Processes of one account's browser.
    pub fn browser_of(&self, account: &str) -> Vec<u32> {
        let profile = self.data_dir().join("whatsapp").join(account);
        processes_naming(&format!("{}/", profile.display()))
    }

    /// Processes of this test's browser profile, found as an operator would: by their arguments.
    pub fn browser_processes(&self) -> Vec<u32> {
        let profile = self.data_dir().join("whatsapp").display().to_string();
        processes_naming(&profile)
    }
}

/// Ids of processes one of whose arguments contains `text`.
pub fn processes_naming(text: &str) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return vec![];
    };
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        // A process that has ended and waits to be reaped has no arguments any more.
        *pid != std::process::id() && arguments_of(*pid).contains(text)
    })
    .collect()
}

fn arguments_of(pid: u32) -> String {
    String::from_utf8_lossy(&std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()).into_owned()
}

fn parent_of(pid: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())
}

/// Kills these processes; gives how many there were.
pub fn kill_all(pids: &[u32]) -> usize {
    let pids = pids
        .iter()
        .filter_map(|pid| rustix::process::Pid::from_raw(i32::try_from(*pid).ok()?));
    pids.filter(|pid| rustix::process::kill_process(*pid, rustix::process::Signal::KILL).is_ok())
        .count()
}
