//! Chromium, started by us in a process group of its own, with a debugging port that the system chooses. It outlives its
//! driver, and does not outlive us: it ends when the pipe to us closes, which the kernel does even after `kill -9`.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{ChildStdin, Command};
use tokio::time::{sleep, timeout};

use super::profile::Profile;
use crate::wa::options::WaOptions;
use crate::wa::process::{self, Group, NoProgram};

/// File descriptor 3 is what `--remote-debugging-pipe` listens to: when our end of it closes, the browser quits. (It never
/// gets a command there; what it says on 4 is dropped.)
const LAUNCH: &str = r#"umask 077; exec "$0" "$@" 3<&0 4>/dev/null </dev/null"#;

/// What makes it quiet, small and awake. Chromium ignores names that it does not know.
const ARGUMENTS: &[&str] = &[
    "--remote-debugging-port=0",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--password-store=basic",
    "--mute-audio",
    "--window-size=1280,900",
    // Talks to nobody but the page's own servers.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-crash-reporter",
    // A page in the background stays as quick as one in front.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    // Memory: no renderers in reserve, none for the browser's own furniture.
    "--disable-extensions",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    // Disk: the page and its files are some 30 MB, and come anew with each version. (Images stay on: the page needs them to
    // make thumbnails of what we send.)
    "--disk-cache-size=67108864",
    "--media-cache-size=33554432",
    "--disable-features=InitialWebUI,WebUIReloadButton,WebUIOmniboxPopup,PreloadTopChromeWebUI,\
     WebUIOmniboxFullPopup,WebUIOmniboxAimPopup,OmniboxFullPopup,AimPopup,\
     SpareRendererForSitePerProcess,Translate,MediaRouter,OptimizationHints,AutofillServerCommunication",
];

/// How much of what the browser said is quoted.
const QUOTED_BYTES: u64 = 1500;
/// Chromium writes about its surroundings; a log longer than this is cut.
const MAX_LOG_BYTES: u64 = 1 << 20;
const POLL: Duration = Duration::from_millis(10);

/// Why there is no browser.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    #[error(transparent)]
    NoProgram(#[from] NoProgram),
    #[error("{} cannot be started: {source}", program.display())]
    CannotStart { program: PathBuf, source: std::io::Error },
    #[error(
        "the browser ended with {status} as it started{}; it said: {said}",
        if *.sandbox { " (run it as a user of its own: as root it has no sandbox)" } else { "" }
    )]
    Ended {
        status: ExitStatus,
        said: String,
        sandbox: bool,
    },
    #[error("another browser has the profile {} open; close it", .0.display())]
    ProfileOpen(PathBuf),
    #[error("the browser did not open its debugging port within {0:?}; the machine may be overloaded")]
    NoPort(Duration),
}

/// A running browser.
#[derive(Debug)]
pub struct Browser {
    group: Group,
    /// Host and port of its debugging protocol.
    pub address: String,
    log: PathBuf,
    /// The browser lives as long as this is open.
    lifeline: Option<ChildStdin>,
}

impl Browser {
    pub async fn launch(options: &WaOptions, profile: &Profile) -> Result<Self, BrowserError> {
        let program = process::find_browser(options.browser.as_deref())?;
        let folder = profile.browser_folder();
        let port_file = folder.join("DevToolsActivePort");
        let _ = fs::remove_file(&port_file);
        let log = profile.file("browser.log");
        let mark = format!("--user-data-dir={}", folder.display());
        let failed = |source| BrowserError::CannotStart {
            program: program.clone(),
            source,
        };
        let output = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&log)
            .map_err(failed)?;
        output.set_len(0).map_err(failed)?;
        let version = process::version(&program, options.limits.launch).await.ok();
        let arguments = arguments(options, &mark, version.as_deref().and_then(process::major));
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", LAUNCH])
            .arg(&program)
            .args(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(output);
        let mut group = Group::spawn(&mut command).map_err(failed)?;
        if let Some(identity) = group.identity() {
            profile.orphans().remember("browser", identity, mark).map_err(failed)?;
        }
        let lifeline = group.take_stdin();
        let waited = options.limits.launch;
        let port = timeout(waited, port(&mut group, &port_file)).await;
        let address = match port {
            Err(_) => return Err(BrowserError::NoPort(waited)),
            Ok(Ok(port)) => format!("127.0.0.1:{port}"),
            // It has given its page to the browser that has the profile, and ended.
            Ok(Err(status)) if status.success() => return Err(BrowserError::ProfileOpen(folder)),
            Ok(Err(status)) => {
                let said = last_words(&log);
                let sandbox = said.contains("no-sandbox");
                return Err(BrowserError::Ended { status, said, sandbox });
            }
        };
        Ok(Self {
            group,
            address,
            log,
            lifeline,
        })
    }

    /// Returns when the browser has ended.
    pub async fn ended(&mut self) -> String {
        match self.group.ended().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// The process group of everything that it has started.
    pub const fn group(&self) -> u32 {
        self.group.id()
    }

    /// Keeps its log within bounds.
    pub fn trim_log(&self) {
        if fs::metadata(&self.log).is_ok_and(|log| log.len() > MAX_LOG_BYTES)
            && let Ok(file) = OpenOptions::new().write(true).open(&self.log)
        {
            let _ = file.set_len(0);
        }
    }

    /// Waits until it ends by itself, at most `grace`, then kills whatever is left of it.
    pub async fn end(mut self, grace: Duration) {
        // A browser that is asked to close does; one that is not does as well when its lifeline goes.
        drop(self.lifeline.take());
        self.group.end(grace).await;
    }
}

async fn port(group: &mut Group, file: &Path) -> Result<u16, ExitStatus> {
    loop {
        if let Some(port) = fs::read_to_string(file)
            .ok()
            .and_then(|text| text.lines().next()?.parse().ok())
        {
            return Ok(port);
        }
        if let Some(status) = group.has_ended() {
            return Err(status);
        }
        sleep(POLL).await;
    }
}

fn arguments(options: &WaOptions, mark: &str, major: Option<u32>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ARGUMENTS.iter().map(Into::into).collect();
    arguments.push(mark.into());
    if options.headless {
        arguments.push("--headless=new".into());
    }
    // Without a version the browser's own is left, which tells a headless one.
    if let Some(major) = major {
        arguments.push(format!("--user-agent={}", user_agent(major)).into());
    }
    if rustix::process::geteuid().is_root() {
        tracing::warn!("the browser runs as root, so without its sandbox; run the program as a user of its own");
        arguments.push("--no-sandbox".into());
    }
    arguments.extend(options.args.iter().map(Into::into));
    arguments.push("about:blank".into());
    arguments
}

/// What a browser with a window says of itself: only the major version is told.
fn user_agent(major: u32) -> String {
    let platform = if cfg!(target_os = "macos") {
        "Macintosh; Intel Mac OS X 10_15_7"
    } else {
        "X11; Linux x86_64"
    };
    format!("Mozilla/5.0 ({platform}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36")
}

fn last_words(log: &Path) -> String {
    let mut text = Vec::new();
    if let Ok(mut file) = fs::File::open(log) {
        let length = file.metadata().map_or(0, |log| log.len());
        let _ = file.seek(SeekFrom::Start(length.saturating_sub(QUOTED_BYTES)));
        let _ = file.take(QUOTED_BYTES).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_agent_is_an_ordinary_one() {
        let agent = user_agent(156);
        assert!(
            agent.contains("Chrome/156.0.0.0 ") && !agent.contains("Headless"),
            "{agent}"
        );
    }

    /// `RULES` 29.
    #[test]
    fn the_debugging_port_is_never_opened_to_other_origins() {
        assert!(ARGUMENTS.contains(&"--remote-debugging-port=0"));
        assert!(!ARGUMENTS.iter().any(|argument| argument.contains("allow-origins")));
    }
}
