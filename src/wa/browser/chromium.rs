//! Chromium in a process group of its own, with a debugging port that the system chooses, or that is shut to others. It
//! outlives its driver but not us: it quits when the pipe to us closes, which the kernel does even after `kill -9`.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::Ipv4Addr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::{ChildStdin, Command};
use tokio::time::{sleep, timeout};

use super::profile::Profile;
use crate::wa::options::WaOptions;
use crate::wa::process::{self, Group, NoProgram, ShutPort};

/// Starts the browser with our pipe as file descriptor 3, where `--remote-debugging-pipe` listens: when our end closes,
/// the browser quits. No command is ever sent there, and its answers on descriptor 4 are dropped.
const LAUNCH: &str = r#"umask 077; exec "$0" "$@" 3<&0 4>/dev/null </dev/null"#;

/// Arguments for fewer connections, less memory and no throttling. Chromium ignores names that it does not know.
const ARGUMENTS: &[&str] = &[
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--password-store=basic",
    "--mute-audio",
    "--window-size=1280,900",
    // No connections but to the page's own servers.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-crash-reporter",
    // No throttling of pages in the background.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    // Memory: no spare renderers, none for the browser's own user interface.
    "--disable-extensions",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    // Disk: the page's files are some 30 MB, and change with each version. (Images stay on: the page makes thumbnails
    // of sent media with them.)
    "--disk-cache-size=67108864",
    "--media-cache-size=33554432",
    "--disable-features=InitialWebUI,WebUIReloadButton,WebUIOmniboxPopup,PreloadTopChromeWebUI,\
     WebUIOmniboxFullPopup,WebUIOmniboxAimPopup,OmniboxFullPopup,AimPopup,\
     SpareRendererForSitePerProcess,Translate,MediaRouter,OptimizationHints,AutofillServerCommunication",
];

/// Maximum length of the log's end in an error message, in bytes.
const LOG_TAIL_BYTES: u64 = 1500;
/// Maximum size of the browser's log, in bytes; a larger one is emptied.
const MAX_LOG_BYTES: u64 = 1 << 20;
/// Interval of checks for the port and for the end of the browser.
const POLL: Duration = Duration::from_millis(10);

/// Says why the browser did not start.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// No browser was found.
    #[error(transparent)]
    NoProgram(#[from] NoProgram),
    /// The browser, or a file that it needs, cannot be opened.
    #[error("{} cannot be started: {source}; check its permissions and those of the profile", program.display())]
    CannotStart { program: PathBuf, source: std::io::Error },
    /// The browser ended before its debugging port was open; `sandbox`: because it may not run as root.
    #[error(
        "the browser ended with {status} during its start{}; its log ends with: {log}",
        if *.sandbox { " (run it as a user of its own: as root it has no sandbox)" } else { "" }
    )]
    Ended {
        status: ExitStatus,
        log: String,
        sandbox: bool,
    },
    /// Another browser uses the profile.
    #[error("another browser has the profile {} open; close it", .0.display())]
    ProfileOpen(PathBuf),
    /// The debugging port was not open within the deadline.
    #[error(
        "the browser did not open its debugging port within {0:?}; the machine may be overloaded: free memory or CPU"
    )]
    NoPort(Duration),
}

/// A running browser.
#[derive(Debug)]
pub struct Browser {
    group: Group,
    /// Host and port of its debugging protocol (CDP).
    pub address: String,
    log: PathBuf,
    _port: Option<ShutPort>,
    /// The browser quits when this is closed; see [`LAUNCH`].
    lifeline: Option<ChildStdin>,
}

impl Browser {
    /// Starts the browser on the profile. Returns when its debugging port is open.
    pub async fn launch(options: &WaOptions, profile: &Profile) -> Result<Self, BrowserError> {
        let program = process::find_browser(options.browser.as_deref())?;
        let folder = profile.browser_folder();
        let port_file = folder.join("DevToolsActivePort");
        let _ = fs::remove_file(&port_file);
        let log = profile.file("browser.log");
        let mark = format!("--user-data-dir={}", folder.display());
        let cannot_start = |source| BrowserError::CannotStart {
            program: program.clone(),
            source,
        };
        let output = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&log)
            .map_err(cannot_start)?;
        output.set_len(0).map_err(cannot_start)?;
        let version = process::version(&program, options.limits.launch).await.ok();
        let shut = ShutPort::choose(profile.folder()).await;
        let port = shut.as_ref().map(ShutPort::number);
        let major = version.as_deref().and_then(process::major);
        let arguments = arguments(options, &mark, port, major);
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", LAUNCH])
            .arg(&program)
            .args(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(output);
        let mut group = Group::spawn(&mut command).map_err(cannot_start)?;
        if let Some(identity) = group.identity() {
            profile
                .orphans()
                .record("browser", identity, mark)
                .map_err(cannot_start)?;
        }
        let lifeline = group.take_stdin();
        let waited = options.limits.launch;
        let port = timeout(waited, open_port(&mut group, port, &port_file)).await;
        let address = match port {
            Err(_) => return Err(BrowserError::NoPort(waited)),
            Ok(Ok(port)) => format!("127.0.0.1:{port}"),
            // A second Chromium on one profile hands its page to the first and ends with success.
            Ok(Err(status)) if status.success() => return Err(BrowserError::ProfileOpen(folder)),
            Ok(Err(status)) => {
                let log = log_tail(&log);
                let sandbox = log.contains("no-sandbox");
                return Err(BrowserError::Ended { status, log, sandbox });
            }
        };
        Ok(Self {
            group,
            address,
            log,
            _port: shut,
            lifeline,
        })
    }

    /// Waits until the browser ends. Returns its exit status in words.
    pub async fn ended(&mut self) -> String {
        match self.group.ended().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Returns the id of its process group.
    pub const fn group(&self) -> u32 {
        self.group.id()
    }

    /// Empties the log if it is larger than 1 MiB.
    pub fn trim_log(&self) {
        if fs::metadata(&self.log).is_ok_and(|log| log.len() > MAX_LOG_BYTES)
            && let Ok(file) = OpenOptions::new().write(true).open(&self.log)
        {
            let _ = file.set_len(0);
        }
    }

    /// Closes the browser: waits at most `grace` until it ends by itself, then kills its process group.
    pub async fn end(mut self, grace: Duration) {
        // A browser that got `Browser.close` is ending already; any other quits when its pipe closes.
        drop(self.lifeline.take());
        self.group.end(grace).await;
    }
}

/// Waits until the browser has opened its port. Which one it has chosen itself it writes into the file. Returns the exit
/// status if the browser ends first.
async fn open_port(group: &mut Group, given: Option<u16>, file: &Path) -> Result<u16, ExitStatus> {
    loop {
        let port = match given {
            Some(port) => TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok().map(|_| port),
            None => fs::read_to_string(file)
                .ok()
                .and_then(|text| text.lines().next()?.parse().ok()),
        };
        if let Some(port) = port {
            return Ok(port);
        }
        if let Some(status) = group.has_ended() {
            return Err(status);
        }
        sleep(POLL).await;
    }
}

fn arguments(options: &WaOptions, mark: &str, port: Option<u16>, major: Option<u32>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ARGUMENTS.iter().map(Into::into).collect();
    arguments.push(format!("--remote-debugging-port={}", port.unwrap_or(0)).into());
    arguments.push(mark.into());
    if options.headless {
        arguments.push("--headless=new".into());
    }
    // If the version is unknown, the browser's own user agent is used, which tells that it is headless.
    if let Some(major) = major {
        arguments.push(format!("--user-agent={}", user_agent(major)).into());
    }
    if rustix::process::geteuid().is_root() {
        tracing::warn!("the browser runs as root and therefore without its sandbox; run crm as a user of its own");
        arguments.push("--no-sandbox".into());
    }
    arguments.extend(options.args.iter().map(Into::into));
    arguments.push("about:blank".into());
    arguments
}

/// Returns the user agent of a browser with a window; like Chrome's, it contains only the major version.
fn user_agent(major: u32) -> String {
    let platform = if cfg!(target_os = "macos") {
        "Macintosh; Intel Mac OS X 10_15_7"
    } else {
        "X11; Linux x86_64"
    };
    format!("Mozilla/5.0 ({platform}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36")
}

fn log_tail(log: &Path) -> String {
    let mut text = Vec::new();
    if let Ok(mut file) = fs::File::open(log) {
        let length = file.metadata().map_or(0, |log| log.len());
        let _ = file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL_BYTES)));
        let _ = file.take(LOG_TAIL_BYTES).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_agent_is_not_headless() {
        let agent = user_agent(156);
        assert!(
            agent.contains("Chrome/156.0.0.0 ") && !agent.contains("Headless"),
            "{agent}"
        );
    }

    /// Rule 29.
    #[test]
    fn debugging_port_is_closed_to_other_origins() {
        assert!(!ARGUMENTS.iter().any(|argument| argument.contains("allow-origins")));
    }
}
