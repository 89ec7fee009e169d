//! The binary as a person meets it: a real node, real commands, real signals.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod administration;
mod answered;
mod completions;
mod crowds;
mod directories;
mod help;
mod log;
mod man;
mod node;
mod outputs;
mod refusals;
mod storage;
mod story;
mod tutorial;
mod unfolding;
mod wire;
mod wrong_use;
