//! Finds programs, and decides whether this run may skip tests that need real servers.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

/// Variable that `cargo xtask test --quick` sets.
pub const QUICK: &str = "CRM_TEST_QUICK";

/// Returns whether tests that need real servers are skipped. In a full run a missing server is a failure.
pub fn quick() -> bool {
    std::env::var_os(QUICK).is_some_and(|value| !value.is_empty() && value != "0")
}

/// Returns the first of these programs that is installed: on the `PATH`, or in one of the folders.
///
/// # Errors None is installed; the message names the package that has it.
pub fn find(names: &[&str], folders: &[PathBuf], package: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places: Vec<PathBuf> = std::env::split_paths(&path).chain(folders.iter().cloned()).collect();
    names
        .iter()
        .flat_map(|name| places.iter().map(move |place| place.join(name)))
        .find(|candidate| candidate.is_file())
        .with_context(|| {
            let names = names.join(" or ");
            format!("{names} is not installed: `cargo xtask setup` installs it, or `apt-get install {package}`")
        })
}
