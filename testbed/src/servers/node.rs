//! Node and the npm projects of the testbed.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::folder::lock;
use super::launch::Launch;
use super::programs::find;

/// Copy of the installed lock file, written after `npm ci` into the folder that `npm ci` empties first.
const STAMP: &str = "node_modules/.installed-lock.json";

/// Returns the path of Node.
pub fn node() -> Result<PathBuf> {
    find(&["node"], &[], "nodejs")
}

/// Installs an npm project's dependencies from its lock file, unless they are installed already.
pub async fn npm_ci(project: &Path) -> Result<()> {
    if is_current(project) {
        return Ok(());
    }
    let _lock = lock("npm").await?;
    if is_current(project) {
        return Ok(());
    }
    let npm = Launch::new("npm ci", find(&["npm"], &[], "npm")?, project);
    npm.arguments(["ci", "--no-audit", "--no-fund", "--no-update-notifier"])
        .run()
        .await?;
    let stamp = project.join(STAMP);
    std::fs::create_dir_all(project.join("node_modules"))?;
    std::fs::copy(project.join("package-lock.json"), &stamp)
        .with_context(|| format!("{} cannot be written", stamp.display()))?;
    Ok(())
}

fn is_current(project: &Path) -> bool {
    let wanted = std::fs::read(project.join("package-lock.json")).ok();
    wanted.is_some() && wanted == std::fs::read(project.join(STAMP)).ok()
}
