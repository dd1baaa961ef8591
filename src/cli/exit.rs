//! Exit codes, and the mapping of errors to them.

use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::config::{ConfigError, DataDirError};

/// Exit code of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Ok = 0,
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    LoginNeeded = 4,
    RateLimited = 5,
    Unreachable = 6,
    Conflict = 7,
    OutcomeUnknown = 8,
    TimedOut = 124,
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error with an exit code of its own. The text says what is wrong, then what to do.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct Fault {
    pub exit: Exit,
    pub text: String,
}

impl Fault {
    /// Creates an error.
    pub fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self {
            exit,
            text: text.into(),
        }
    }
}

/// Returns the exit code of a run, and prints its error. A broken pipe is success.
pub fn of(result: anyhow::Result<Exit>) -> Exit {
    match result {
        Ok(exit) => exit,
        Err(error) if is_broken_pipe(&error) => Exit::Ok,
        Err(error) => {
            // Standard error may be closed; then there is no place to report to.
            let _ = writeln!(io::stderr(), "crm: {error:#}");
            code(&error)
        }
    }
}

/// Returns whether the reader of our output has closed it (`crm tail | head`).
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// Returns the exit code of an error.
pub fn code(error: &anyhow::Error) -> Exit {
    if let Some(fault) = error.downcast_ref::<Fault>() {
        fault.exit
    } else if error.is::<ConfigError>() {
        Exit::Usage
    } else if let Some(DataDirError::Held { .. }) = error.downcast_ref() {
        Exit::Conflict
    } else {
        Exit::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_pipe_is_success() {
        let pipe = io::Error::from(io::ErrorKind::BrokenPipe);
        assert_eq!(
            of(Err(anyhow::Error::from(pipe).context("writing the table"))),
            Exit::Ok
        );
    }

    #[test]
    fn wrapped_error_keeps_exit_code() {
        let fault = Fault::new(Exit::NotFound, "there is no customer 7");
        assert_eq!(code(&anyhow::Error::from(fault).context("looking")), Exit::NotFound);
        assert_eq!(code(&ConfigError::NoDataDir.into()), Exit::Usage);
        assert_eq!(code(&anyhow::anyhow!("whatever")), Exit::Failed);
    }
}
