//! `crm completion`: prints completion scripts for shells.

use std::io::Write as _;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell as Dialect;

use crate::cli::{Cli, Exit, Shell};

/// Print the completions of a shell
#[derive(Debug, Args)]
pub struct Completion {
    /// For which shell
    shell: Dialect,
}

impl Completion {
    /// Prints the script.
    pub fn run(self, _: &Shell) -> anyhow::Result<Exit> {
        let mut script = vec![];
        clap_complete::generate(self.shell, &mut Cli::command(), "crm", &mut script);
        std::io::stdout().write_all(&script)?;
        Ok(Exit::Ok)
    }
}
