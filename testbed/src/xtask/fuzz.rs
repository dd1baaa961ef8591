//! `cargo xtask fuzz`: fuzzes the parser of the page's events, guided by coverage (`fuzz/`). Failing inputs are stored
//! in `fuzz/artifacts`, and belong into the parser's tests.

use std::time::Duration;

use anyhow::Result;

use super::machine::{self, Extent};
use super::section::{cargo, run, section, succeeds};

/// The fuzz target, the corpus that the fuzzer extends, and the seeds from which it starts.
const TARGET: [&str; 3] = ["page_event", "fuzz/corpus/page_event", "fuzz/seeds/page_event"];

/// Fuzzes for this time. An input that fails ends the run.
pub async fn run_for(span: Duration) -> Result<()> {
    machine::prepare(Extent::Build).await?;
    if !succeeds(cargo(), &["fuzz", "--version"]).await {
        section("cargo-fuzz", run(cargo(), ["install", "--locked", "cargo-fuzz"])).await?;
    }
    std::fs::create_dir_all(super::section::workspace().join(TARGET[1]))?;
    let limit = format!("-max_total_time={}", span.as_secs());
    // The sanitizers are there for unsafe code, which there is none of, and need another compiler.
    let before = ["fuzz", "run", "--sanitizer", "none"];
    let arguments = before.into_iter().chain(TARGET).chain(["--", &limit]);
    section("fuzz", run(cargo(), arguments)).await
}
