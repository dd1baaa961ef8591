//! `cargo xtask fuzz`: fuzzes the parser of the page's events, guided by coverage (`fuzz/`). Failing inputs are stored
//! in `fuzz/artifacts`, and belong into the parser's tests. `cargo xtask fuzz-api`: the API, guided by its description.

use std::time::Duration;

use anyhow::Result;

use super::machine::{self, Extent};
use super::section::{cargo, run, run_with, section, succeeds};

/// The fuzz target, the corpus that the fuzzer extends, and the seeds from which it starts.
const TARGET: [&str; 3] = ["page_event", "fuzz/corpus/page_event", "fuzz/seeds/page_event"];

/// The test that asks the API, and how it is told for how many requests.
const API_TEST: &str = "answers_to_anything_are_as_described";
const API_EXAMPLES: &str = "CRM_FUZZ_EXAMPLES";

/// Asks a server so many requests for each operation of its API, with keys of each scope. Fails when an answer is a failure
/// of the server, or not as described.
pub async fn ask_api(examples: u32) -> Result<()> {
    machine::prepare(Extent::Build).await?;
    let test = [
        "test",
        "--package",
        "crm",
        "--test",
        "it",
        API_TEST,
        "--",
        "--nocapture",
    ];
    section(
        "fuzz-api",
        run_with(cargo(), test, &[(API_EXAMPLES, &examples.to_string())]),
    )
    .await
}

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
