//! Python environments: that with Synapse and matrix-nio, and that with schemathesis. Each is created once from pinned
//! versions, and kept between runs.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::folder::{kept_folder, lock};
use super::launch::Launch;
use super::programs::find;

/// List of what was installed, written last: an environment without it is incomplete.
const STAMP: &str = "installed.txt";

const OF_SERVERS: Environment = Environment {
    name: "python",
    requirements: include_str!("requirements.txt"),
};

/// By itself, because its packages need other versions.
const OF_SCHEMATHESIS: Environment = Environment {
    name: "schemathesis",
    requirements: include_str!("schemathesis.txt"),
};

/// An environment and what it holds.
struct Environment {
    name: &'static str,
    requirements: &'static str,
}

/// Returns the Python of the environment with Synapse and matrix-nio. The first call creates the environment, which takes
/// about half a minute, from PyPI.
pub async fn environment() -> Result<PathBuf> {
    OF_SERVERS.program("python").await
}

/// Returns the program schemathesis, which asks a server what the description of its API allows. The first call installs it
/// from PyPI.
pub async fn schemathesis() -> Result<PathBuf> {
    OF_SCHEMATHESIS.program("schemathesis").await
}

impl Environment {
    async fn program(&self, program: &str) -> Result<PathBuf> {
        let folder = kept_folder()?.join(self.name);
        let program = folder.join("bin").join(program);
        if self.is_current(&folder) {
            return Ok(program);
        }
        let _lock = lock(self.name).await?;
        if !self.is_current(&folder) {
            self.make(&folder).await?;
        }
        Ok(program)
    }

    fn is_current(&self, folder: &Path) -> bool {
        std::fs::read_to_string(folder.join(STAMP)).is_ok_and(|installed| installed == self.requirements)
    }

    async fn make(&self, folder: &Path) -> Result<()> {
        if folder.exists() {
            std::fs::remove_dir_all(folder).context("an outdated Python environment cannot be removed")?;
        }
        std::fs::create_dir_all(folder)?;
        let requirements = folder.join("requirements.txt");
        std::fs::write(&requirements, self.requirements)?;
        let system = find(&["python3"], &[], "python3 python3-venv")?;
        let venv = Launch::new("python3 -m venv", system, folder)
            .arguments(["-m", "venv"])
            .arguments([folder]);
        venv.run()
            .await
            .context("no virtual environment: `apt-get install python3-venv`")?;
        let pip = Launch::new("pip install", folder.join("bin/python"), folder)
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
            .with_context(|| format!("the packages of {} could not be installed from PyPI", self.name))?;
        std::fs::write(folder.join(STAMP), self.requirements)?;
        Ok(())
    }
}
