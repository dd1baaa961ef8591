//! The injected script: the library that knows WhatsApp Web's internals, and the page script on top of it. One source,
//! evaluated before the page's own scripts at each load, or at once in a page that is loaded already.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// `@wppconnect/wa-js` as published (Apache-2.0: `THIRD-PARTY-NOTICES.md`).
const LIBRARY: &str = include_str!(concat!(env!("OUT_DIR"), "/web/library.js"));
/// The page script (`web/page`), built by `build.rs`. Defines `crmPage`.
const PAGE: &str = include_str!(concat!(env!("OUT_DIR"), "/web/page.js"));

/// Settings of the library. By default it reports to an analytics host, requests link previews from third-party
/// servers, and names the linked device after itself.
const CONFIG: &str = "window.WPPConfig = {disableGoogleAnalytics: true, googleAnalyticsId: null, poweredBy: null, \
                      linkPreviewApiServers: [], deviceName: false, sendStatusToDevice: false};";

/// The configured library file cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the WhatsApp library {} cannot be read ({source}); check CRM_WHATSAPP_LIBRARY", path.display())]
pub struct NoLibrary {
    path: PathBuf,
    source: std::io::Error,
}

/// Names of the two globals of the page script. WhatsApp's own code cannot guess them. They stay the same for the life
/// of our process, so that a page outlives the connection to it.
#[derive(Clone, Debug)]
pub struct Names {
    /// The object with the page script's methods.
    pub agent: String,
    /// The function that rings the doorbell.
    pub bell: String,
}

impl Names {
    /// Derives the names from 128 random bits.
    pub fn new(random: u128) -> Self {
        Self {
            agent: format!("_{random:032x}a"),
            bell: format!("_{random:032x}b"),
        }
    }
}

/// Refuses a library file that cannot be read, before anything is started.
pub fn check(library: Option<&Path>) -> Result<(), NoLibrary> {
    let Some(path) = library else { return Ok(()) };
    let opened = std::fs::File::open(path);
    opened.map(drop).map_err(|source| NoLibrary {
        path: path.to_owned(),
        source,
    })
}

/// The library: the embedded one, or a configured file's text.
pub struct Library(Cow<'static, str>);

impl Library {
    /// Reads `file`, or takes the embedded library.
    pub fn read(file: Option<&Path>) -> Result<Self, NoLibrary> {
        let Some(path) = file else {
            return Ok(Self(LIBRARY.into()));
        };
        let read = std::fs::read_to_string(path).map_err(|source| NoLibrary {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self(read.into()))
    }

    /// Returns the whole script. It is large, so it is made for each page and not kept.
    pub fn script(&self, names: &Names) -> String {
        let (Self(library), Names { agent, bell }) = (self, names);
        format!(
            "(() => {{\nif (window !== window.top || Object.hasOwn(window, '{agent}')) return;\n{CONFIG}\n{library}\n;\
             {PAGE}\n;crmPage.start({{agent: '{agent}', bell: '{bell}'}});\n}})()"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_has_settings_then_library_then_page() {
        let script = Library::read(None).unwrap().script(&Names::new(7));
        let at = |text: &str| script.find(text).unwrap_or_else(|| panic!("no {text}"));
        assert!(at("WPPConfig = {") < at("self.WPP=") && at("self.WPP=") < at("crmPage.start({agent: '_"));
    }

    #[test]
    fn configured_library_replaces_embedded_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("library.js");
        let error = Library::read(Some(&file)).err().unwrap().to_string();
        assert!(error.contains("CRM_WHATSAPP_LIBRARY") && error.contains("library.js"));
        std::fs::write(&file, "self.WPP = {newer: true}").unwrap();
        let script = Library::read(Some(&file)).unwrap().script(&Names::new(7));
        assert!(script.contains("newer: true") && script.len() < LIBRARY.len());
    }
}
