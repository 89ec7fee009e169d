//! `cargo xtask flights`: runs the flights example on a fresh node, as a reader of `docs/flights.md` would.

use std::process::Command;

use anyhow::Result;

use crate::interop::{Profile, binary, must, python};

/// Options of `cargo xtask flights`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Which build of the node runs.
    #[arg(long, default_value = "release")]
    profile: Profile,
    /// Use only so many flights.
    #[arg(long)]
    rows: Option<usize>,
}

/// Runs the example; it fails when a count, an order or a checksum differs.
pub fn run(options: &Options) -> Result<()> {
    let mut command = Command::new(python()?);
    command
        .arg(crate::root().join("examples/flights/run.py"))
        .arg("--mainstem")
        .arg(binary(options.profile)?);
    command
        .arg("--cache")
        .arg(crate::codegen::cache_dir()?.join("flights"));
    if let Some(rows) = options.rows {
        command.arg("--rows").arg(rows.to_string());
    }
    must(&mut command)
}
