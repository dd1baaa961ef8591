//! One section of a run: announced and timed. The run ends if it fails.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;
use tokio::time::Instant;

/// Runs a section and prints how long it took.
pub async fn section<T>(name: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    eprintln!("\n==> {name}");
    let start = Instant::now();
    let done = work
        .await
        .with_context(|| format!("{name} failed after {:.0?}", start.elapsed()))?;
    eprintln!("<== {name}: {:.0?}", start.elapsed());
    Ok(done)
}

/// Runs a program in the checkout, with its output passed through and an empty input.
pub async fn run<A: AsRef<OsStr>>(program: impl AsRef<OsStr>, arguments: impl IntoIterator<Item = A>) -> Result<()> {
    run_with(program, arguments, &[]).await
}

/// Runs a program as [`run`] does, with these variables in its environment.
pub async fn run_with<A: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = A>,
    environment: &[(&str, &str)],
) -> Result<()> {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_this_run(name)) {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .current_dir(workspace());
    let words: Vec<_> = std::iter::once(command.as_std().get_program())
        .chain(command.as_std().get_args())
        .collect();
    let line = words.join(OsStr::new(" ")).display().to_string();
    eprintln!("    {line}");
    let status = command
        .status()
        .await
        .with_context(|| format!("{line} cannot be started"))?;
    if !status.success() {
        bail!("{line}: {status}");
    }
    Ok(())
}

/// Returns whether `cargo run` sets this variable for our own process. Build scripts depend on such variables: with
/// them, a cargo that we start would rebuild half of everything, and the next one that is started by hand would rebuild
/// it again.
fn is_of_this_run(variable: &OsStr) -> bool {
    let name = variable.to_string_lossy();
    name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_PKG_")
}

/// Returns whether the program runs and succeeds; its output is discarded.
pub async fn succeeds(program: impl AsRef<OsStr>, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}

/// Returns the path of the cargo that started us.
pub fn cargo() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// Returns the root of the checkout.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}
