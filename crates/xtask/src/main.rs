//! Development tasks: code generation, tidy, interop with real clients.
//!
//! Depends on none of the product's crates: it judges them from outside.

mod codegen;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

/// Development tasks of Mainstem.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Task {
    /// Write the protocol's messages from Apache Kafka's definitions.
    Codegen(codegen::Options),
}

fn main() -> Result<()> {
    match Task::parse() {
        Task::Codegen(options) => codegen::run(&options),
    }
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    let mut path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    path.pop();
    path.pop();
    path
}
