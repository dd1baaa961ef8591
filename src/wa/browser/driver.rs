//! chromedriver, attached to a browser that runs already. If it dies, it is started again; the browser and the page's
//! queue live on.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use thirtyfour::prelude::*;
use thirtyfour::{ChromiumLikeCapabilities, cdp::CdpSession};
use tokio::process::{ChildStdin, Command};
use tokio::time::{sleep, timeout};

use super::profile::Profile;
use crate::wa::options::WaOptions;
use crate::wa::process::{self, Group, NoProgram, ShutPort};

/// Starts the driver with a watcher beside it that kills it when our pipe (file descriptor 3) closes. The driver has no
/// such watch of its own, and a `kill -9` of our process leaves us no time to end it.
const LAUNCH: &str = r#"umask 077; exec 3<&0 </dev/null
"$0" "$@" 3<&- & driver=$!
{ cat <&3 >/dev/null; kill -9 $driver; } 2>/dev/null &
exec 3<&-; wait $driver"#;

/// Interval of checks for the port and for the end of the driver.
const POLL: Duration = Duration::from_millis(10);
/// Line of its output that contains the port.
const STARTED: &str = "was started successfully on port ";

/// Says why the driver did not start or attach.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// No driver was found.
    #[error(transparent)]
    NoProgram(#[from] NoProgram),
    /// The driver, or a file that it needs, cannot be opened.
    #[error("{} cannot be started: {source}; check its permissions and those of the profile", program.display())]
    CannotStart { program: PathBuf, source: std::io::Error },
    /// The driver ended before its port was open.
    #[error("chromedriver ended with {0} during its start; run it by hand to see why")]
    Ended(ExitStatus),
    /// A step was not done within the deadline.
    #[error("chromedriver did not {0} within {1:?}; the machine may be overloaded")]
    Late(&'static str, Duration),
    /// The driver refused the session with the browser.
    #[error("chromedriver and the browser do not work together: {0}; install the two in the same version")]
    NoSession(String),
}

/// A running driver with a `WebDriver` session.
#[derive(Debug)]
pub struct Driver {
    group: Group,
    session: Option<WebDriver>,
    _port: Option<ShutPort>,
    /// The driver is killed when this is closed; see [`LAUNCH`].
    _lifeline: Option<ChildStdin>,
}

impl Driver {
    /// Starts chromedriver and attaches it to the browser at `address`. Also returns a connection to the page over the
    /// debugging protocol (CDP), which bypasses the driver and outlives it.
    pub async fn attach(
        options: &WaOptions,
        profile: &Profile,
        address: &str,
    ) -> Result<(Self, CdpSession), DriverError> {
        let program = process::find_driver(options.driver.as_deref())?;
        let limit = options.limits.launch;
        let shut = ShutPort::choose(profile.folder()).await;
        let wanted = shut.as_ref().map_or(0, ShutPort::number);
        let (mut group, output) = start(&program, profile, wanted).map_err(|source| DriverError::CannotStart {
            program: program.clone(),
            source,
        })?;
        let port = timeout(limit, port(&mut group, &output))
            .await
            .map_err(|_| DriverError::Late("open its port", limit))?
            .map_err(DriverError::Ended)?;
        let mut wanted = DesiredCapabilities::chrome();
        wanted
            .set_debugger_address(address)
            .map_err(|error| DriverError::NoSession(first_line(&error)))?;
        let server = format!("http://127.0.0.1:{port}");
        let session = timeout(limit, async {
            WebDriver::builder(server, wanted).request_timeout(limit).await
        })
        .await
        .map_err(|_| DriverError::Late("attach to the browser", limit))?
        .map_err(|error| DriverError::NoSession(first_line(&error)))?;
        // Built before the next step, so that `Drop` below runs if it fails: a bare session blocks when it is dropped.
        let driver = Self {
            _lifeline: group.take_stdin(),
            group,
            session: Some(session.clone()),
            _port: shut,
        };
        match timeout(limit, session.cdp().connect()).await {
            Ok(Ok(cdp)) => Ok((driver, cdp)),
            Ok(Err(error)) => Err(DriverError::NoSession(first_line(&error))),
            Err(_) => Err(DriverError::Late("connect to the page", limit)),
        }
    }

    /// Waits until the driver ends. Returns its exit status in words.
    pub async fn ended(&mut self) -> String {
        match self.group.ended().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Kills the driver; the browser stays.
    pub async fn end(mut self) {
        self.group.end(Duration::ZERO).await;
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Leaked, or the library would ask a dead driver to end the session and block on its answer.
        if let Some(session) = self.session.take() {
            let _ = session.leak();
        }
    }
}

/// Starts the program on this port; 0: one that the kernel chooses.
fn start(program: &Path, profile: &Profile, port: u16) -> std::io::Result<(Group, PathBuf)> {
    let output = profile.file("driver.out");
    let log = profile.file("driver.log");
    let out = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&output)?;
    let mark = format!("--log-path={}", log.display());
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", LAUNCH])
        .arg(program)
        .arg(format!("--port={port}"))
        .arg("--log-level=SEVERE")
        .arg(&mark)
        .stdin(Stdio::piped())
        .stdout(out)
        .stderr(Stdio::null());
    let group = Group::spawn(&mut command)?;
    if let Some(identity) = group.identity() {
        profile.orphans().record("driver", identity, mark)?;
    }
    Ok((group, output))
}

/// Waits until the driver prints its port. Returns the exit status if the driver ends first.
async fn port(group: &mut Group, output: &Path) -> Result<u16, ExitStatus> {
    loop {
        if let Some(port) = fs::read_to_string(output).ok().as_deref().and_then(parse_port) {
            return Ok(port);
        }
        if let Some(status) = group.has_ended() {
            return Err(status);
        }
        sleep(POLL).await;
    }
}

fn parse_port(output: &str) -> Option<u16> {
    let (_, rest) = output.split_once(STARTED)?;
    let (port, _) = rest.split_once('.')?;
    port.parse().ok()
}

/// Returns the first line of an error: the driver appends whole response bodies.
fn first_line(error: &WebDriverError) -> String {
    let text = error.to_string();
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or("unknown")
        .chars()
        .take(300)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_is_read_from_driver_output() {
        let output = "Starting ChromeDriver 156.0.8078.79 (…) on port 0\nOnly local connections are allowed.\nChromeDriver was started successfully on port 36227.\n";
        assert_eq!(parse_port(output), Some(36227));
        assert_eq!(parse_port("Starting ChromeDriver on port 0\n"), None);
        assert_eq!(parse_port("ChromeDriver was started successfully on port 36"), None);
    }
}
