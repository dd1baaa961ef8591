//! Paths of Chromium, its driver, and the program that shuts their ports.

use std::path::PathBuf;

use anyhow::Result;

use super::programs::find;

/// Returns the path of Chromium, or of a Chrome that behaves like it.
pub fn chromium() -> Result<PathBuf> {
    find(
        &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
        &[],
        "chromium",
    )
}

/// Returns the path of the WebDriver server for [`chromium`].
pub fn chromedriver() -> Result<PathBuf> {
    let debian = PathBuf::from("/usr/lib/chromium");
    find(&["chromedriver"], &[debian], "chromium-driver")
}

/// Returns the path of the program that sets the kernel's packet filter.
pub fn nft() -> Result<PathBuf> {
    find(&["nft"], &[PathBuf::from("/usr/sbin")], "nftables")
}
