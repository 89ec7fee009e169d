//! Apache's DumpLogSegments on every file of a stopped node.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::programs::class_path;

/// Files that one run of the tool gets.
const FILES_PER_RUN: usize = 150;

/// What the tool says when something is wrong; it exits with 0 all the same.
const COMPLAINTS: &[&str] = &[
    "isvalid: false",
    "Exception",
    "mismatch",
    "Mismatch",
    "out of order",
    "not valid",
    "Found timestamp",
    "corrupt",
];

fn files(dir: &Path, extension: &str, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, extension, found)?;
        } else if path.extension().is_some_and(|there| there == extension)
            && (extension != "index" && extension != "timeindex"
                || std::fs::metadata(&path)?.len() > 0)
        {
            found.push(path);
        }
    }
    Ok(())
}

/// Reads every log, index and snapshot, of producers and of metadata. Indexes are checked too, when the node stopped so that they are final.
pub fn read_everything(data: &Path, check_indexes: bool) -> Result<usize> {
    let mut count = 0;
    let log_options: &[&str] = &["--deep-iteration", "--skip-record-metadata"];
    let mut kinds: Vec<(&str, &[&str])> = vec![("log", log_options), ("snapshot", &[])];
    if check_indexes {
        kinds.push(("index", &["--index-sanity-check"]));
        kinds.push(("timeindex", &["--index-sanity-check"]));
    }
    for (extension, options) in kinds {
        let mut found = Vec::new();
        files(data, extension, &mut found)?;
        for some in found.chunks(FILES_PER_RUN) {
            dump(some, options)?;
            count += some.len();
        }
    }
    for (folder, decoder) in [
        ("__cluster_metadata-0", "--cluster-metadata-decoder"),
        ("__consumer_offsets-", "--offsets-decoder"),
    ] {
        let mut found = Vec::new();
        files(data, "log", &mut found)?;
        files(data, "checkpoint", &mut found)?;
        found.retain(|path| {
            path.to_string_lossy().contains(folder)
                && std::fs::metadata(path).is_ok_and(|meta| meta.len() > 0)
        });
        for some in found.chunks(FILES_PER_RUN) {
            dump(some, &[decoder])?;
        }
    }
    Ok(count)
}

fn dump(files: &[PathBuf], options: &[&str]) -> Result<()> {
    let list = files
        .iter()
        .map(|path| path.display().to_string())
        .collect::<Vec<_>>()
        .join(",");
    let output = Command::new("java")
        .args([
            "-Xmx256m",
            "-cp",
            &class_path()?,
            "org.apache.kafka.tools.DumpLogSegments",
        ])
        .args(options)
        .args(["--files", &list])
        .output()
        .context("DumpLogSegments did not start")?;
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    if !output.status.success() {
        bail!(
            "DumpLogSegments {options:?} failed: {}\n{}",
            output.status,
            tail(&text)
        );
    }
    match text
        .lines()
        .find(|line| COMPLAINTS.iter().any(|complaint| line.contains(complaint)))
    {
        Some(line) => bail!("DumpLogSegments {options:?} complains: {line}"),
        None => Ok(()),
    }
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines
        .iter()
        .skip(lines.len().saturating_sub(15))
        .copied()
        .collect::<Vec<_>>()
        .join("\n")
}
