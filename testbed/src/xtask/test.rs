//! `cargo xtask test`: all checks that must pass before a change is merged, the fastest first.

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::machine::{self, Extent};
use super::section::{cargo, run, run_with, section, succeeds, workspace};

/// Checks of the web project: npm scripts, in their order.
const WEB_CHECKS: [&str; 4] = ["lint", "check", "typecheck", "test"];

/// Tells the test harness how many tests run at a time.
const TEST_THREADS: &str = "RUST_TEST_THREADS";

/// Runs all checks and tests. `extent` decides whether tests with real servers are included.
pub async fn run_all(extent: Extent) -> Result<()> {
    machine::prepare(extent).await?;
    let cargo = cargo();
    if component("fmt").await {
        section("format", run(&cargo, ["fmt", "--all", "--check"])).await?;
    }
    section("web", web()).await?;
    if component("clippy").await {
        let lints = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
        section("lints", run(&cargo, lints)).await?;
    }
    let threads = test_threads();
    let mut environment = vec![];
    if std::env::var_os(TEST_THREADS).is_none() {
        environment.push((TEST_THREADS, threads.as_str()));
    }
    if extent == Extent::Build {
        environment.push((testbed::QUICK, "1"));
    }
    section("tests", run_with(&cargo, ["test", "--workspace"], &environment)).await
}

/// Returns how many tests run at a time: more than there are processors, since many wait for a browser or a homeserver.
fn test_threads() -> String {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    (processors + processors.div_ceil(2)).to_string()
}

/// Returns whether this toolchain has the component; a minimal installation of Rust may not.
async fn component(name: &str) -> bool {
    let has = succeeds(cargo(), &[name, "--version"]).await;
    if !has {
        eprintln!("\n==> cargo {name} is not installed: left out (`rustup component add {name}`)");
    }
    has
}

async fn web() -> Result<()> {
    let package = workspace().join("web/package.json");
    if !package.is_file() {
        return Ok(());
    }
    let package: Value = serde_json::from_slice(&std::fs::read(&package)?).context("web/package.json")?;
    for script in WEB_CHECKS
        .into_iter()
        .filter(|script| package["scripts"][script].is_string())
    {
        run("npm", ["--prefix", "web", "run", "--silent", script]).await?;
    }
    Ok(())
}
