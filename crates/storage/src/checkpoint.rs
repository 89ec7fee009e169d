//! Apache Kafka's small text files: a version line, a count line, then one entry a line.
//!
//! ```text
//! 0
//! 2
//! orders 0 4711
//! orders 1 4688
//! ```

use std::io;
use std::path::Path;

use crate::disk::{Disk, read_small, write_small};

fn invalid(path: &Path, what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{}: {what}", path.display()),
    )
}

/// Reads the entries of a file of this form; none when there is no file.
pub(crate) fn read_lines(disk: &dyn Disk, path: &Path) -> io::Result<Vec<String>> {
    let Some(bytes) = read_small(disk, path)? else {
        return Ok(Vec::new());
    };
    let text = String::from_utf8(bytes).map_err(|_| invalid(path, "not text"))?;
    let mut lines = text.lines();
    if lines.next() != Some("0") {
        return Err(invalid(path, "the version in line 1 is not 0"));
    }
    let count: usize = lines
        .next()
        .and_then(|count| count.parse().ok())
        .ok_or_else(|| invalid(path, "line 2 is not a count"))?;
    let entries: Vec<String> = lines.map(str::to_owned).collect();
    if entries.len() != count {
        return Err(invalid(path, "it has not as many entries as line 2 says"));
    }
    Ok(entries)
}

/// Replaces a file of this form.
pub(crate) fn write_lines(disk: &dyn Disk, path: &Path, entries: &[String]) -> io::Result<()> {
    let mut text = format!("0\n{}\n", entries.len());
    for entry in entries {
        text.push_str(entry);
        text.push('\n');
    }
    write_small(disk, path, text.as_bytes())
}

/// Reads `topic partition offset` entries.
pub fn read_offsets(disk: &dyn Disk, path: &Path) -> io::Result<Vec<(String, i32, i64)>> {
    let entries = read_lines(disk, path)?;
    entries
        .iter()
        .map(|entry| {
            let mut words = entry.split(' ');
            let topic = words.next()?.to_owned();
            let partition = words.next()?.parse().ok()?;
            let offset = words.next()?.parse().ok()?;
            words.next().is_none().then_some((topic, partition, offset))
        })
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| invalid(path, "an entry is not `topic partition offset`"))
}

/// Replaces a file of `topic partition offset` entries.
pub fn write_offsets(
    disk: &dyn Disk,
    path: &Path,
    entries: &[(String, i32, i64)],
) -> io::Result<()> {
    let lines: Vec<String> = entries
        .iter()
        .map(|(topic, partition, offset)| format!("{topic} {partition} {offset}"))
        .collect();
    write_lines(disk, path, &lines)
}
