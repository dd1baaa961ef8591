//! The shell as people and scripts meet it: the real binary, its output and its exit codes.

mod accounts;
mod asking;
mod columns;
mod completing;
mod disk;
mod help;
mod keys;
mod matrix;
mod numbers;
mod people;
pub mod rig;
mod scheduling;
mod sending;
pub mod serving;
mod tailing;
mod trouble;
mod watching;
mod wording;
