//! Bytes that real clients and Apache Kafka itself put on the wire: decoded, encoded again, equal.
//!
//! One folder per API in `testdata/`, one file per version and direction, one body (behind the header) per line, in hexadecimal.

use std::path::{Path, PathBuf};

use mainstem_protocol::Decoder;

use crate::catalogue::row;
use crate::hex;

fn entries(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.expect("a directory entry").path())
        .collect();
    paths.sort();
    paths
}

/// `v12.req.hex` is version 12 of the request.
fn check(api: &str, file: &Path) -> usize {
    let name = file
        .file_name()
        .and_then(|name| name.to_str())
        .expect("a plain name");
    let (version, direction) = name
        .strip_prefix('v')
        .and_then(|rest| rest.strip_suffix(".hex"))
        .and_then(|rest| rest.split_once('.'))
        .unwrap_or_else(|| panic!("{name} is not named like v12.req.hex"));
    let version: i16 = version.parse().expect("a version");
    let suffix = match direction {
        "req" => "Request",
        "resp" => "Response",
        other => panic!("{other} is neither req nor resp"),
    };
    let row = row(&format!("{api}{suffix}"));
    let text = std::fs::read_to_string(file).expect("readable");
    for line in text.lines() {
        let body = hex::bytes(line);
        let (again, unread) = (row.again)(Decoder::new(body.clone()), version)
            .unwrap_or_else(|failure| panic!("{}: {failure:?}\n{line}", file.display()));
        assert_eq!(hex::text(&again), line, "{}", file.display());
        assert_eq!(unread, 0, "{}", file.display());
    }
    text.lines().count()
}

#[test]
fn captured_bytes_come_back_equal() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/captured");
    let mut bodies = 0;
    for api in entries(&root) {
        let name = api
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a plain name");
        for file in entries(&api) {
            bodies += check(name, &file);
        }
    }
    assert!(bodies > 0, "no captured bytes in {}", root.display());
}
