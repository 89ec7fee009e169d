//! Development tasks: code generation, tidy, interop with real clients, the flights example, measurements.
//!
//! Depends on none of the product's crates: it judges them from outside.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program speaks to people"
)]

mod bench;
mod codegen;
mod flights;
mod interop;
mod tidy;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

/// Development tasks of Mainstem.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Task {
    /// Write the protocol's messages from Apache Kafka's definitions.
    Codegen(codegen::Options),
    /// Check the rules of the code that no compiler checks.
    Tidy,
    /// Run real clients on Mainstem and on Apache Kafka, and compare.
    Interop(interop::Options),
    /// Measure Mainstem beside Apache Kafka.
    Bench(bench::Options),
    /// Run the flights example.
    Flights(flights::Options),
}

fn main() -> Result<()> {
    match Task::parse() {
        Task::Codegen(options) => codegen::run(&options),
        Task::Tidy => tidy::run(),
        Task::Interop(options) => interop::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Flights(options) => flights::run(&options),
    }
}

/// The root of the workspace.
fn root() -> PathBuf {
    let mut path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    path.pop();
    path.pop();
    path
}
