//! `cargo xtask`: commands for developers and the CI. Parses the command line; the work is in `xtask`.

mod xtask;

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    match xtask::Xtask::parse().run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
