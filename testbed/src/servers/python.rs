//! The Python environment with Synapse and matrix-nio: created once from pinned versions, kept between runs.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::folder::{kept_folder, lock};
use super::launch::Launch;
use super::programs::find;

const REQUIREMENTS: &str = include_str!("requirements.txt");
/// List of what was installed, written last: an environment without it is incomplete.
const STAMP: &str = "installed.txt";

/// Returns the environment's Python. The first call creates the environment, which takes about half a minute, from
/// PyPI.
pub async fn environment() -> Result<PathBuf> {
    let kept = kept_folder()?;
    let folder = kept.join("python");
    let python = folder.join("bin/python");
    if is_current(&folder) {
        return Ok(python);
    }
    let _lock = lock("python").await?;
    if !is_current(&folder) {
        make(&folder, &python).await?;
    }
    Ok(python)
}

fn is_current(folder: &Path) -> bool {
    std::fs::read_to_string(folder.join(STAMP)).is_ok_and(|installed| installed == REQUIREMENTS)
}

async fn make(folder: &Path, python: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).context("an outdated Python environment cannot be removed")?;
    }
    std::fs::create_dir_all(folder)?;
    let requirements = folder.join("requirements.txt");
    std::fs::write(&requirements, REQUIREMENTS)?;
    let system = find(&["python3"], &[], "python3 python3-venv")?;
    let venv = Launch::new("python3 -m venv", system, folder)
        .arguments(["-m", "venv"])
        .arguments([folder]);
    venv.run()
        .await
        .context("no virtual environment: `apt-get install python3-venv`")?;
    let pip = Launch::new("pip install", python, folder)
        .arguments([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            "--requirement",
        ])
        .arguments([&requirements]);
    pip.run()
        .await
        .context("Synapse and matrix-nio could not be installed from PyPI")?;
    std::fs::write(folder.join(STAMP), REQUIREMENTS)?;
    Ok(())
}
