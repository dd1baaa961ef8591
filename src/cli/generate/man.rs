//! `crm man`: prints or writes the manual pages.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, CommandFactory as _};

use crate::cli::{Cli, Exit, Shell};

/// Print the manual page, or write those of all commands
#[derive(Debug, Args)]
pub struct Man {
    /// Write crm.1, crm-serve.1 and so on into this folder
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

impl Man {
    /// Runs the command.
    pub fn run(self, _: &Shell) -> anyhow::Result<Exit> {
        if let Some(folder) = self.out {
            std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
            clap_mangen::generate_to(Cli::command(), &folder)
                .with_context(|| format!("writing into {}", folder.display()))?;
            return Ok(Exit::Ok);
        }
        let mut page = vec![];
        clap_mangen::Man::new(Cli::command()).render(&mut page)?;
        std::io::stdout().write_all(&page)?;
        Ok(Exit::Ok)
    }
}
