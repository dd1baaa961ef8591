//! Where Chromium and its driver are.

use std::path::PathBuf;

use anyhow::Result;

use super::programs::find;

/// Chromium, or a Chrome that behaves alike.
pub fn chromium() -> Result<PathBuf> {
    find(
        &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
        &[],
        "chromium",
    )
}

/// The WebDriver server of [`chromium`].
pub fn chromedriver() -> Result<PathBuf> {
    let debian = PathBuf::from("/usr/lib/chromium");
    find(&["chromedriver"], &[debian], "chromium-driver")
}
