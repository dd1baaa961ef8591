//! `crm completion`: prints completion scripts for shells.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use clap::Args;
use clap_complete::Shell as Dialect;
use clap_complete::env::Shells;

use super::complete::VARIABLE;
use crate::cli::{Exit, Shell};

/// Print the completions of a shell: commands, options, and the server's names and ids
#[derive(Debug, Args)]
pub struct Completion {
    /// For which shell
    shell: Dialect,
}

impl Completion {
    /// Prints the script, which asks this program for candidates.
    pub fn run(self, _: &Shell) -> anyhow::Result<Exit> {
        let shells = Shells::builtins();
        let shell = shells
            .completer(&self.shell.to_string())
            .context("this shell is not known")?;
        let mut script = vec![];
        shell.write_registration(VARIABLE, "crm", "crm", &program(), &mut script)?;
        std::io::stdout().write_all(&script)?;
        Ok(Exit::Ok)
    }
}

/// Returns how the script calls this program: `crm`, or its path if that is how it was called now.
fn program() -> String {
    let called = std::env::args_os().next().unwrap_or_default();
    let path = Path::new(&called);
    let has_folder = path.parent().is_some_and(|folder| !folder.as_os_str().is_empty());
    let absolute = has_folder.then(|| std::path::absolute(path).ok()).flatten();
    absolute
        .and_then(|path| path.into_os_string().into_string().ok())
        .unwrap_or_else(|| "crm".to_owned())
}
