//! Where the browser and its driver are, and what to install when they are not.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

const BROWSERS: &[&str] = &[
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
];
const DRIVERS: &[&str] = &["chromedriver"];
/// Where distributions put them outside `PATH`.
const ELSEWHERE: &[&str] = &[
    "/usr/lib/chromium",
    "/usr/lib/chromium-browser",
    "/snap/bin",
    "/opt/google/chrome",
];

/// A program is not there.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NoProgram {
    #[error(
        "no browser was found; install Chromium (on Debian: `apt install chromium`) or name one with CRM_WHATSAPP_BROWSER"
    )]
    Browser,
    #[error(
        "no chromedriver was found; install it (on Debian: `apt install chromium-driver`) or name one with CRM_WHATSAPP_DRIVER"
    )]
    Driver,
    #[error("there is no program {}; correct {key}", path.display())]
    Configured { key: &'static str, path: PathBuf },
}

/// Chromium, or a Chrome that behaves alike.
pub fn browser(configured: Option<&Path>) -> Result<PathBuf, NoProgram> {
    find(configured, "CRM_WHATSAPP_BROWSER", BROWSERS, NoProgram::Browser)
}

/// The browser's `WebDriver` server.
pub fn driver(configured: Option<&Path>) -> Result<PathBuf, NoProgram> {
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

/// A name with a slash is taken as it is, another is looked for.
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
    fn a_program_is_found_by_name_or_by_path() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("some-browser");
        std::fs::write(&file, "").unwrap();
        let folders = || std::iter::once(folder.path().to_owned());
        assert_eq!(in_folders(OsStr::new("some-browser"), folders()), Some(file.clone()));
        assert_eq!(in_folders(file.as_os_str(), folders()), Some(file));
        assert_eq!(in_folders(OsStr::new("other"), folders()), None);
    }

    #[test]
    fn a_wrong_path_names_its_key() {
        let error = browser(Some(Path::new("/nowhere/chromium"))).unwrap_err().to_string();
        assert!(error.contains("/nowhere/chromium") && error.contains("CRM_WHATSAPP_BROWSER"));
    }
}
