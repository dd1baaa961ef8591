//! The search for the browser and its driver.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::Command;

use super::environment;

/// Usual names of a browser.
const BROWSERS: &[&str] = &[
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
];
/// Usual names of a driver.
const DRIVERS: &[&str] = &["chromedriver"];
/// Folders outside `PATH` that distributions use.
const ELSEWHERE: &[&str] = &[
    "/usr/lib/chromium",
    "/usr/lib/chromium-browser",
    "/snap/bin",
    "/opt/google/chrome",
];

/// A program was not found.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NoProgram {
    /// No browser under a usual name.
    #[error(
        "no browser was found; install Chromium (on Debian: `apt install chromium`) or name one with CRM_WHATSAPP_BROWSER"
    )]
    Browser,
    /// No driver under a usual name.
    #[error(
        "no chromedriver was found; install it (on Debian: `apt install chromium-driver`) or name one with CRM_WHATSAPP_DRIVER"
    )]
    Driver,
    /// The configured program is missing.
    #[error("there is no program {}; correct {key}", path.display())]
    Configured {
        /// The variable that sets it.
        key: &'static str,
        /// Its value.
        path: PathBuf,
    },
}

/// Returns the path of Chromium or Chrome.
pub fn find_browser(configured: Option<&Path>) -> Result<PathBuf, NoProgram> {
    find(configured, "CRM_WHATSAPP_BROWSER", BROWSERS, NoProgram::Browser)
}

/// Returns the path of chromedriver.
pub fn find_driver(configured: Option<&Path>) -> Result<PathBuf, NoProgram> {
    find(configured, "CRM_WHATSAPP_DRIVER", DRIVERS, NoProgram::Driver)
}

fn find(configured: Option<&Path>, key: &'static str, usual: &[&str], none: NoProgram) -> Result<PathBuf, NoProgram> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = || env::split_paths(&path).chain(ELSEWHERE.iter().map(PathBuf::from));
    match configured {
        Some(program) => in_folders(program.as_os_str(), folders()).ok_or_else(|| NoProgram::Configured {
            key,
            path: program.to_owned(),
        }),
        None => usual
            .iter()
            .find_map(|name| in_folders(OsStr::new(name), folders()))
            .ok_or(none),
    }
}

/// The version of a program is not known.
#[derive(Debug, thiserror::Error)]
pub enum NoVersion {
    /// It did not answer in time.
    #[error("{} did not print its version in time; run it by hand to see why", .0.display())]
    Late(PathBuf),
    /// It cannot be started.
    #[error("{} cannot be started: {}; check its permissions or reinstall it", .0.display(), .1)]
    NotStarted(PathBuf, #[source] io::Error),
    /// It failed, or printed nothing.
    #[error("{} --version ended with {}; reinstall it", .0.display(), .1)]
    Silent(PathBuf, ExitStatus),
}

/// Runs `program --version`. Returns the first line that it prints.
pub async fn version(program: &Path, limit: Duration) -> Result<String, NoVersion> {
    let mut command = Command::new(program);
    environment::clear(&mut command);
    let running = command
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(limit, running)
        .await
        .map_err(|_| NoVersion::Late(program.to_owned()))?
        .map_err(|error| NoVersion::NotStarted(program.to_owned(), error))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    match printed.lines().next().map(str::trim) {
        Some(version) if output.status.success() && !version.is_empty() => Ok(version.to_owned()),
        _ => Err(NoVersion::Silent(program.to_owned(), output.status)),
    }
}

/// Returns the major version from the line that a program prints.
pub fn major(version: &str) -> Option<u32> {
    let numbers = version.split(|c: char| !c.is_ascii_digit() && c != '.');
    numbers
        .filter_map(|word| word.split_once('.'))
        .find_map(|(major, _)| major.parse().ok())
}

/// Searches the folders for a program; a path with a slash is used as it is.
fn in_folders(program: &OsStr, mut folders: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    let path = Path::new(program);
    if path.components().count() > 1 {
        return path.is_file().then(|| path.to_owned());
    }
    folders.find_map(|folder| Some(folder.join(path)).filter(|candidate| candidate.is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_is_found_by_name_or_path() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("some-browser");
        std::fs::write(&file, "").unwrap();
        let folders = || std::iter::once(folder.path().to_owned());
        assert_eq!(in_folders(OsStr::new("some-browser"), folders()), Some(file.clone()));
        assert_eq!(in_folders(file.as_os_str(), folders()), Some(file));
        assert_eq!(in_folders(OsStr::new("other"), folders()), None);
    }

    #[test]
    fn major_version_is_found_in_version_line() {
        assert_eq!(major("Chromium 151.0.7922.34 built on Debian GNU/Linux 12"), Some(151));
        assert_eq!(major("Google Chrome 140.0.7339.80"), Some(140));
        assert_eq!(major("ChromeDriver 156.0.8078.73, /usr/bin/chromedriver"), Some(156));
        assert_eq!(major("no version"), None);
    }

    #[test]
    fn missing_configured_program_names_its_key() {
        let error = find_browser(Some(Path::new("/nowhere/chromium")))
            .unwrap_err()
            .to_string();
        assert!(error.contains("/nowhere/chromium") && error.contains("CRM_WHATSAPP_BROWSER"));
    }
}
