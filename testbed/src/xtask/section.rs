//! One section of a run: announced, timed, and the end of the run if it fails.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;
use tokio::time::Instant;

/// Runs a section and says how long it took.
pub async fn section<T>(name: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    eprintln!("\n==> {name}");
    let start = Instant::now();
    let done = work
        .await
        .with_context(|| format!("{name} failed after {:.0?}", start.elapsed()))?;
    eprintln!("<== {name}: {:.0?}", start.elapsed());
    Ok(done)
}

/// Runs a program in the checkout, its output straight through, nothing on its input.
pub async fn run<A: AsRef<OsStr>>(program: impl AsRef<OsStr>, arguments: impl IntoIterator<Item = A>) -> Result<()> {
    run_with(program, arguments, &[]).await
}

/// As [`run`], with these variables in its environment.
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

/// What `cargo run` tells this program of itself. Build scripts look at such variables, so with them a cargo that we start
/// would build half of everything again, and one that is started by hand after it once more.
fn is_of_this_run(variable: &OsStr) -> bool {
    let name = variable.to_string_lossy();
    name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_PKG_")
}

/// Whether the program runs and succeeds; its output is nobody's.
pub async fn succeeds(program: impl AsRef<OsStr>, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}

/// The cargo that started us.
pub fn cargo() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// The checkout's root.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}
