//! The program itself, run as its owner would run it: uses only what `--help` and the example configuration document.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use testbed::servers::{Folder, Launch, Process, Signal, free_port};
use testbed::standin::Phone;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::ChildStdout;
use tokio::sync::Mutex;

use super::section::{cargo, run, section, workspace};

const READY: Duration = Duration::from_mins(1);
const LOGIN: Duration = Duration::from_mins(3);
const REQUEST: Duration = Duration::from_secs(5);
/// Interval at which the server is checked while it runs.
const WATCH: Duration = Duration::from_secs(1);

/// The homeserver of the agents.
pub struct Homeserver {
    pub url: String,
    pub identity: Identity,
    /// User ids, separated by commas.
    pub agents: String,
}

/// How the server is known to the homeserver.
pub enum Identity {
    /// As an ordinary user.
    Bot {
        user: &'static str,
        password: &'static str,
        /// Whether rooms are encrypted, which they are unless it is set otherwise.
        encrypted: bool,
    },
    /// As an application service, whose registration the homeserver has.
    Service,
}

/// Folder and address of a server, before it is started.
pub struct Place {
    folder: Folder,
    listen: String,
}

impl Place {
    /// Makes a folder and finds a free port.
    pub fn new() -> Result<Self> {
        Ok(Self {
            folder: Folder::new("demo")?,
            listen: format!("127.0.0.1:{}", free_port()?),
        })
    }

    /// Runs `crm matrix registration`. Returns the text of the file.
    pub async fn registration(&self, program: &Path, homeserver: &str) -> Result<String> {
        let folder = self.folder.path().join("registration");
        std::fs::create_dir(&folder)?;
        let launch = command(program, &folder, &self.data(), &self.url());
        let launch = launch.arguments(["matrix", "registration", "--server", homeserver]);
        let (process, _input, output) = launch.start_talking()?;
        let mut text = String::new();
        ChildStdout::from_std(output)?.read_to_string(&mut text).await?;
        if text.is_empty() {
            bail!("crm matrix registration printed nothing:\n{}", process.last_words());
        }
        Ok(text)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn url(&self) -> String {
        format!("http://{}", self.listen)
    }
}

/// Build profile of the program.
#[derive(Clone, Copy, Debug)]
pub enum Profile {
    Dev,
    Release,
}

impl Profile {
    /// Builds the program, with the features that the whole workspace has, so that tests and demo share the work.
    pub async fn build(self) -> Result<()> {
        let release: &[&str] = match self {
            Self::Dev => &[],
            Self::Release => &["--release"],
        };
        run(cargo(), [&["build", "--workspace", "--bin", "crm"], release].concat()).await
    }

    /// Returns the path of the program that cargo has built.
    pub fn program(self) -> Result<PathBuf> {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
        let folder = match self {
            Self::Dev => "debug",
            Self::Release => "release",
        };
        let program = workspace().join(target).join(folder).join("crm");
        if !program.is_file() {
            bail!("{} is not there: `cargo build`", program.display());
        }
        Ok(program)
    }
}

/// Returns the program that was given; without one, a release build of this repository, which is built.
pub async fn release_or(given: Option<PathBuf>) -> Result<PathBuf> {
    if let Some(program) = given {
        return Ok(program);
    }
    section("build", Profile::Release.build()).await?;
    Profile::Release.program()
}

/// `crm serve` on an empty database.
pub struct Server {
    process: Mutex<Process>,
    launch: Launch,
    log: PathBuf,
    url: String,
    program: PathBuf,
    folder: Folder,
    client: reqwest::Client,
}

impl Server {
    /// Starts the server, with or without a homeserver, and waits until it answers.
    pub async fn start(program: &Path, place: Place, whatsapp: &str, homeserver: Option<&Homeserver>) -> Result<Self> {
        let url = place.url();
        let launch = command(program, place.folder.path(), &place.data(), &url)
            .arguments(["serve"])
            .variable("CRM_LISTEN", &place.listen)
            .variable("CRM_WHATSAPP_URL", whatsapp);
        let launch = match homeserver {
            Some(homeserver) => with_homeserver(launch, homeserver),
            None => launch,
        };
        let launch = launch.ended_by(Signal::TERM);
        let mut process = launch.start()?;
        until_alive(&mut process, &url).await?;
        let log = process.log().to_owned();
        Ok(Self {
            process: Mutex::new(process),
            launch,
            log,
            url,
            program: program.to_owned(),
            folder: place.folder,
            client: reqwest::Client::builder().no_proxy().build()?,
        })
    }

    /// Ends the server in order.
    pub async fn end(&self) -> Result<()> {
        let mut process = self.process.lock().await;
        if !process.end() {
            bail!("the server does not end:\n{}", process.last_words());
        }
        Ok(())
    }

    /// Starts the server again after [`Self::end`], and waits until it answers.
    pub async fn start_again(&self) -> Result<()> {
        let mut process = self.process.lock().await;
        *process = self.launch.start()?;
        until_alive(&mut process, &self.url).await
    }

    /// Runs `crm login` for the first account, with a phone that scans each code as soon as it is shown.
    pub async fn log_in(&self, phone: &Phone) -> Result<()> {
        self.log_in_as(phone, "default").await
    }

    /// Runs `crm login` for an account, as [`Self::log_in`] does.
    pub async fn log_in_as(&self, phone: &Phone, account: &str) -> Result<()> {
        let folder = self.folder.path().join(format!("login-{account}"));
        std::fs::create_dir(&folder)?;
        let launch = command(&self.program, &folder, &self.data(), &self.url);
        let launch = launch.arguments(["login", "--account", account, "-o", "json"]);
        let (process, _input, output) = launch.start_talking()?;
        let mut lines = BufReader::new(ChildStdout::from_std(output)?).lines();
        let followed = async {
            while let Some(line) = lines.next_line().await? {
                let event: Value = serde_json::from_str(&line).context("crm login says what is not JSON")?;
                match (event["event"].as_str(), event["code"].as_str(), event["state"].as_str()) {
                    (Some("qr"), Some(code), _) => {
                        eprintln!("    the QR code says {code}; the phone scans it");
                        // A code that has just been replaced cannot be scanned; the next one comes.
                        if let Err(error) = phone.scan(code).await {
                            eprintln!("    {error}");
                        }
                    }
                    (Some("state"), _, Some("ready")) => return Ok(()),
                    (Some("state"), _, Some(state)) => eprintln!("    {state}"),
                    _ => {}
                }
            }
            bail!(
                "crm login ended before the account was ready:\n{}",
                process.last_words()
            )
        };
        let in_time = tokio::time::timeout(LOGIN, followed).await;
        in_time.with_context(|| format!("not logged in within {LOGIN:?}:\n{}", process.last_words()))?
    }

    /// Returns when the server has ended by itself, which is an error.
    pub async fn watch(&self) -> Result<()> {
        loop {
            let mut process = self.process.lock().await;
            if let Some(status) = process.ended() {
                bail!("the server ended with {status}:\n{}", process.last_words());
            }
            drop(process);
            tokio::time::sleep(WATCH).await;
        }
    }

    /// Returns the server's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the key of the server's administrator.
    pub fn key(&self) -> Result<String> {
        let key = std::fs::read_to_string(self.data().join("admin.key")).context("the server has made no admin.key")?;
        Ok(key.trim().to_owned())
    }

    /// Gets what is at a path of the API, with the administrator's key.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.request(self.client.get(format!("{}{path}", self.url))).await
    }

    /// Posts to a path of the API, with the administrator's key, and returns the answer.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.request(self.client.post(format!("{}{path}", self.url)).json(body))
            .await
    }

    async fn request(&self, request: reqwest::RequestBuilder) -> Result<Value> {
        let answer = request.bearer_auth(self.key()?).send().await?;
        let (status, path) = (answer.status(), answer.url().path().to_owned());
        let text = answer.text().await?;
        ensure!(status.is_success(), "{path} answers {status}: {text}");
        serde_json::from_str(&text).with_context(|| format!("{path} answers what is not JSON"))
    }

    /// Returns the data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Returns the server's process id.
    pub async fn pid(&self) -> u32 {
        self.process.lock().await.pid()
    }

    /// Returns the path of the server's log.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Returns the folder of the program.
    pub fn programs(&self) -> &Path {
        self.program.parent().unwrap_or(Path::new("."))
    }
}

fn with_homeserver(launch: Launch, homeserver: &Homeserver) -> Launch {
    let launch = launch
        .variable("CRM_MATRIX_HOMESERVER", &homeserver.url)
        .variable("CRM_MATRIX_AGENTS", &homeserver.agents);
    match homeserver.identity {
        Identity::Bot {
            user,
            password,
            encrypted,
        } => {
            let launch = launch
                .variable("CRM_MATRIX_USER", user)
                .variable("CRM_MATRIX_PASSWORD", password);
            if encrypted {
                launch
            } else {
                launch.variable("CRM_MATRIX_ENCRYPTION", "off")
            }
        }
        Identity::Service => launch.variable("CRM_MATRIX_MODE", "service"),
    }
}

/// Waits until the server at this address answers.
pub async fn until_alive(process: &mut Process, url: &str) -> Result<()> {
    let client = reqwest::Client::builder().timeout(REQUEST).no_proxy().build()?;
    let alive = format!("{url}/healthz");
    let answers = async || {
        let answer = client.get(&alive).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    };
    process.until(READY, answers).await
}

/// Returns the command without any of our own configuration; `folder` gets its log.
fn command(program: &Path, folder: &Path, data: &Path, url: &str) -> Launch {
    Launch::new("crm", program, folder)
        .without_variables("CRM_")
        .variable("XDG_CONFIG_HOME", folder.join("none"))
        .variable("CRM_DATA_DIR", data)
        .variable("CRM_URL", url)
}
