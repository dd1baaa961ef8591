//! What is put into the page: the library that knows WhatsApp Web from inside, and our script on top of it. One source,
//! evaluated before the page's own scripts at each load, or later into a page that is there already.

use std::path::{Path, PathBuf};

/// `@wppconnect/wa-js`, as its makers built it (Apache-2.0: `THIRD-PARTY-NOTICES.md`).
const LIBRARY: &str = include_str!(concat!(env!("OUT_DIR"), "/web/library.js"));
/// `web/page`, built by `build.rs`. Defines `crmPage`.
const PAGE: &str = include_str!(concat!(env!("OUT_DIR"), "/web/page.js"));

/// Without these the library reports to an analytics host, asks strangers' servers for link previews, and names the
/// linked device after itself.
const CONFIG: &str = "window.WPPConfig = {disableGoogleAnalytics: true, googleAnalyticsId: null, poweredBy: null, \
                      linkPreviewApiServers: [], deviceName: false, sendStatusToDevice: false};";

/// The library file that the configuration names cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the WhatsApp library {} cannot be read ({source}); check CRM_WHATSAPP_LIBRARY", path.display())]
pub struct NoLibrary {
    path: PathBuf,
    source: std::io::Error,
}

/// The two names under which the page and the server find each other. Not to be guessed by the page, and the same as
/// long as the process lives, so that a page outlives the connection to it.
#[derive(Clone, Debug)]
pub struct Names {
    /// The page script's global.
    pub agent: String,
    /// The function that rings the server's bell.
    pub bell: String,
}

impl Names {
    /// `random`: 128 random bits.
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

/// The whole script. `library`: another library file than the embedded one.
pub fn script(library: Option<&Path>, names: &Names) -> Result<String, NoLibrary> {
    let read;
    let library = match library {
        None => LIBRARY,
        Some(path) => {
            read = std::fs::read_to_string(path).map_err(|source| NoLibrary {
                path: path.to_owned(),
                source,
            })?;
            &read
        }
    };
    let Names { agent, bell } = names;
    Ok(format!(
        "(() => {{\nif (window !== window.top || Object.hasOwn(window, '{agent}')) return;\n{CONFIG}\n{library}\n;{PAGE}\n;\
         crmPage.start({{agent: '{agent}', bell: '{bell}'}});\n}})()"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_holds_the_configuration_the_library_and_the_page_script_in_this_order() {
        let script = script(None, &Names::new(7)).unwrap();
        let at = |text: &str| script.find(text).unwrap_or_else(|| panic!("no {text}"));
        assert!(at("WPPConfig = {") < at("self.WPP=") && at("self.WPP=") < at("crmPage.start({agent: '_"));
    }

    #[test]
    fn another_library_can_be_named_and_a_missing_one_says_what_to_check() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("library.js");
        let error = script(Some(&file), &Names::new(7)).unwrap_err().to_string();
        assert!(error.contains("CRM_WHATSAPP_LIBRARY") && error.contains("library.js"));
        std::fs::write(&file, "self.WPP = {newer: true}").unwrap();
        let script = script(Some(&file), &Names::new(7)).unwrap();
        assert!(script.contains("newer: true") && script.len() < LIBRARY.len());
    }
}
