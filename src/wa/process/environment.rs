//! The environment of the programs that we start. WhatsApp's page runs in the browser: what it takes over has to find no
//! password and no key there.

use std::ffi::{OsStr, OsString};

use tokio::process::Command;

/// Variables that a browser needs: where programs, files and the screen are, and in which language to speak.
const PASSED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TMPDIR",
    "TZ",
    "LANG",
    "LANGUAGE",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
    "XDG_DATA_DIRS",
    "XDG_CONFIG_DIRS",
    "DBUS_SESSION_BUS_ADDRESS",
    "FONTCONFIG_FILE",
    "FONTCONFIG_PATH",
    "LD_LIBRARY_PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CHROME_DEVEL_SANDBOX",
];

/// Beginnings of further ones.
const PASSED_BEGINNINGS: &[&str] = &["LC_"];

/// The way to a proxy, passed only where it holds no user and password.
const PROXIES: &[&str] = &["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

/// Clears a command's environment but for what a browser needs.
pub fn clear(command: &mut Command) {
    command.env_clear().envs(passed(std::env::vars_os()));
}

fn passed(all: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<(OsString, OsString)> {
    all.into_iter().filter(|(name, value)| is_passed(name, value)).collect()
}

fn is_passed(name: &OsStr, value: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let upper = name.to_ascii_uppercase();
    if PROXIES.contains(&upper.as_str()) {
        return value.to_str().is_some_and(|value| !value.contains('@'));
    }
    PASSED.contains(&name) || PASSED_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_variables_are_passed() {
        let all = [
            ("PATH", "/bin"),
            ("LC_ALL", "C.UTF-8"),
            ("https_proxy", "http://proxy:3128"),
            ("HTTP_PROXY", "http://user:secret@proxy:3128"),
            ("CRM_MATRIX_PASSWORD", "secret"),
            ("CRM_DATABASE_URL", "postgres://crm:secret@db/crm"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("PGPASSWORD", "secret"),
            ("GITHUB_TOKEN", "secret"),
            ("PATH_TO_SECRET", "secret"),
        ];
        let passed = passed(all.map(|(name, value)| (name.into(), value.into())));
        let names: Vec<_> = passed.iter().map(|(name, _)| name.to_str().unwrap()).collect();
        assert_eq!(names, ["PATH", "LC_ALL", "https_proxy"]);
    }
}
