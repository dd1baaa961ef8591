//! Bounds the heaps of glibc's allocator. By default each thread that finds the others' heaps in use gets one of its own, up to
//! eight a processor, and what a busy hour has left free in one is of no use to the other threads. The bound is read from the
//! environment alone, when a program starts, so the program starts once more to get it.

use std::env;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::thread::available_parallelism;

/// Most heaps, for glibc; mallopt(3).
const VARIABLE: &str = "MALLOC_ARENA_MAX";

/// Starts this program again, in this process, with as many heaps as there are processors. Returns at once if the environment
/// bounds them already, and if the program cannot be started again: then it only takes more memory.
pub fn bound() {
    if !cfg!(target_env = "gnu") || env::var_os(VARIABLE).is_some() {
        return;
    }
    if let Err(error) = start_again() {
        tracing::debug!("the allocator's heaps are not bounded: {error}");
    }
}

fn start_again() -> io::Result<()> {
    let heaps = available_parallelism()?;
    let mut arguments = env::args_os();
    let mut program = Command::new(env::current_exe()?);
    if let Some(name) = arguments.next() {
        program.arg0(name);
    }
    Err(program.args(arguments).env(VARIABLE, heaps.to_string()).exec())
}
