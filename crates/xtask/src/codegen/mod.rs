//! `cargo xtask codegen`: writes the messages of the Kafka protocol from the definitions inside Apache's own jars.
//!
//! The jars come from Maven, pinned to [`KAFKA_VERSION`]. Only facts are taken (names, types, versions, tags, defaults); the
//! definitions themselves are not committed, the generated Rust is. `--check` proves it up to date.

mod definitions;
mod emit;
mod emit_errors;
mod emit_samples;
mod emit_tables;
mod expressions;
mod jars;
mod oracle;
mod schema;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use jars::KAFKA_VERSION;
pub use jars::{cache_dir, fetch, fetch_logger};

/// Where the messages go, from the root of the workspace.
const MESSAGES: &str = "crates/protocol/src/generated";
/// Where the random samples for the round-trip tests go.
const SAMPLES: &str = "crates/protocol/tests/it/samples";

/// Options of `cargo xtask codegen`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Compare with what is committed instead of writing.
    #[arg(long)]
    check: bool,
    /// Let Apache Kafka's own code judge what the codec writes, instead of writing it anew.
    #[arg(long, conflicts_with = "check")]
    oracle: bool,
}

/// Generates or checks.
pub fn run(options: &Options) -> Result<()> {
    let libs = jars::fetch()?;
    if options.oracle {
        return oracle::run(&crate::root(), &libs);
    }
    let messages = definitions::read(&libs)?;
    let mut files: BTreeMap<PathBuf, String> = BTreeMap::new();
    for message in messages.values() {
        if message.valid.is_none() {
            continue;
        }
        let file = format!("{}.rs", emit::snake(&message.name));
        files.insert(Path::new(MESSAGES).join(&file), emit::message(message)?);
        files.insert(
            Path::new(SAMPLES).join(&file),
            emit_samples::message(message)?,
        );
    }
    files.insert(
        Path::new(MESSAGES).join("mod.rs"),
        emit_tables::modules(&messages),
    );
    files.insert(
        Path::new(MESSAGES).join("api_key.rs"),
        emit_tables::api_keys(&messages)?,
    );
    files.insert(
        Path::new(MESSAGES).join("record_spaces.rs"),
        emit_tables::record_spaces(&messages)?,
    );
    files.insert(
        Path::new(SAMPLES).join("mod.rs"),
        emit_samples::modules(&messages),
    );
    for (path, text) in &mut files {
        *text = format(text).with_context(|| format!("rustfmt of {}", path.display()))?;
    }
    let root = crate::root();
    if options.check {
        compare(&root, &files)
    } else {
        write(&root, &files)
    }
}

fn format(text: &str) -> Result<String> {
    let mut child = Command::new("rustfmt")
        .args([
            "--edition",
            "2024",
            "--config",
            "max_width=100",
            "--emit",
            "stdout",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("rustfmt did not start")?;
    let mut stdin = child.stdin.take().context("rustfmt has a standard input")?;
    let input = text.to_owned();
    let feeder =
        std::thread::spawn(move || std::io::Write::write_all(&mut stdin, input.as_bytes()));
    let output = child.wait_with_output()?;
    feeder
        .join()
        .map_err(|_| anyhow::anyhow!("feeding rustfmt failed"))??;
    if !output.status.success() {
        bail!("rustfmt refused:\n{text}");
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn compare(root: &Path, files: &BTreeMap<PathBuf, String>) -> Result<()> {
    for (path, text) in files {
        let there = std::fs::read_to_string(root.join(path)).unwrap_or_default();
        if there != *text {
            bail!(
                "{} is not what `cargo xtask codegen` writes; run it and commit",
                path.display()
            );
        }
    }
    for directory in [MESSAGES, SAMPLES] {
        for entry in std::fs::read_dir(root.join(directory))? {
            let path = Path::new(directory).join(entry?.file_name());
            if !files.contains_key(&path) {
                bail!("{} is not generated any more; delete it", path.display());
            }
        }
    }
    println!(
        "{} generated files are up to date with Apache Kafka {KAFKA_VERSION}",
        files.len()
    );
    Ok(())
}

fn write(root: &Path, files: &BTreeMap<PathBuf, String>) -> Result<()> {
    for directory in [MESSAGES, SAMPLES] {
        std::fs::create_dir_all(root.join(directory))?;
        for entry in std::fs::read_dir(root.join(directory))? {
            let path = Path::new(directory).join(entry?.file_name());
            if !files.contains_key(&path) {
                std::fs::remove_file(root.join(path))?;
            }
        }
    }
    for (path, text) in files {
        let path = root.join(path);
        if std::fs::read_to_string(&path).is_ok_and(|there| there == *text) {
            continue;
        }
        std::fs::write(path, text)?;
    }
    println!(
        "{} files written from Apache Kafka {KAFKA_VERSION}",
        files.len()
    );
    Ok(())
}
