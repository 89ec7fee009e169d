//! Data directories are formatted, looked at, and taken by a node as they were formatted.

use std::path::Path;
use std::process::Command;

use mainstem_protocol::batch::{BatchHeader, HEADER_BYTES, batches};

use crate::node::{BINARY, Done, Node, run};

fn storage(dir: &Path, arguments: &str) -> Done {
    let mut command = Command::new(BINARY);
    command.arg("storage").args(arguments.split_whitespace());
    command.arg("--data-dir").arg(dir);
    run(command, "")
}

#[test]
fn ids_are_of_kafkas_form_and_differ() {
    let id = || {
        let mut command = Command::new(BINARY);
        command.args(["storage", "random-uuid"]);
        run(command, "").out.trim().to_owned()
    };
    let (first, second) = (id(), id());
    assert_ne!(first, second);
    for id in [first, second] {
        let uuid: mainstem_protocol::Uuid = id.parse().unwrap();
        assert_eq!(uuid.to_string(), id);
        assert!(!id.starts_with('-'), "{id}");
    }
}

/// Batches without their timestamps and, since these are in them, checksums.
fn apart_from_times(file: Vec<u8>) -> Vec<(BatchHeader, Vec<u8>)> {
    let file = file.into();
    let found = batches(&file).map(|found| {
        let (mut header, batch) = found.unwrap();
        header.check_crc(&batch).unwrap();
        (header.crc, header.base_timestamp, header.max_timestamp) = (0, 0, 0);
        (header, batch[HEADER_BYTES..].to_vec())
    });
    let found: Vec<_> = found.collect();
    assert_eq!(found.len(), 3);
    found
}

#[test]
fn a_formatted_directory_is_what_a_first_start_makes() {
    let dir = tempfile::tempdir().unwrap();
    let (formatted, started) = (dir.path().join("a/b"), dir.path().join("c"));
    let done = storage(&formatted, "info");
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.err.contains("does not exist"), "{done:?}");

    let done = storage(&formatted, "format --cluster-id my-cluster -o node.id=1");
    assert_eq!(done.code, Some(0), "{done:?}");
    let info = storage(&formatted, "info --json");
    let info: serde_json::Value = serde_json::from_str(&info.out).unwrap();
    assert_eq!(info["cluster_id"], "my-cluster");
    assert_eq!(info["node_id"], 1);

    let snapshot = "__cluster_metadata-0/00000000000000000000-0000000000.checkpoint";
    let of_format = std::fs::read(formatted.join(snapshot)).unwrap();
    let node = Node::start(&formatted);
    assert!(
        node.banner.contains("cluster my-cluster"),
        "{}",
        node.banner
    );
    assert!(node.banner.contains("(new)"), "{}", node.banner);
    let busy = storage(&formatted, "format --ignore-formatted");
    assert!(busy.err.contains("locked by another node"), "{busy:?}");
    assert_eq!(node.interrupt().0, Some(0));
    Node::start(&started).interrupt();
    let of_start = std::fs::read(started.join(snapshot)).unwrap();
    assert_eq!(apart_from_times(of_format), apart_from_times(of_start));
    let names = |dir: &Path| -> Vec<_> {
        let entries = std::fs::read_dir(dir.join("__cluster_metadata-0")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&formatted), names(&started));

    let node = Node::start(&formatted);
    assert!(node.banner.contains(", clean stop)"), "{}", node.banner);
    node.must("topic create t");
}

#[test]
fn apaches_options_are_understood_or_refused() {
    let check = |options: &str, code: i32, said: &str| {
        let dir = tempfile::tempdir().unwrap();
        let done = storage(dir.path(), &format!("format -t one {options}"));
        assert_eq!(done.code, Some(code), "{options}: {done:?}");
        assert!(done.err.contains(said), "{options}: {done:?}");
        assert_eq!(dir.path().join("meta.properties").exists(), code == 0);
    };
    check("--standalone --release-version 4.4", 0, "formatted");
    check(
        "-s -r 4.4-IV2 -f metadata.version=33 -f group.version=0",
        0,
        "formatted",
    );
    check("-r 4.1", 2, "cannot begin at release 4.1");
    check(
        "-f metadata.version=25",
        2,
        "metadata.version cannot begin at 25",
    );
    check(
        "-f transaction.version=2",
        2,
        "transaction.version cannot begin at 2",
    );
    check("-f metadata.version", 2, "is no feature with its level");
}

#[test]
fn a_property_that_nobody_knows_is_warned_of() {
    let dir = tempfile::tempdir().unwrap();
    let done = storage(dir.path(), "format -o nobody.knows=1");
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.err.contains("warning: "), "{done:?}");
    assert!(done.err.contains("nobody.knows"), "{done:?}");
}

#[test]
fn a_formatted_directory_is_not_formatted_again() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(storage(dir.path(), "info").code, Some(1));
    assert_eq!(storage(dir.path(), "format -t one").code, Some(0));
    let meta = || std::fs::read(dir.path().join("meta.properties")).unwrap();
    let before = meta();
    let done = storage(dir.path(), "format -t one");
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.err.contains("is formatted already"), "{done:?}");
    let done = storage(dir.path(), "format -t one --ignore-formatted");
    assert_eq!(done.code, Some(0), "{done:?}");
    for other in ["-t two", "-t one -o node.id=7"] {
        let done = storage(dir.path(), &format!("format {other} --ignore-formatted"));
        assert_eq!(done.code, Some(1), "{done:?}");
        assert!(
            done.err.contains("belongs to cluster one, node 1"),
            "{done:?}"
        );
    }
    assert_eq!(meta(), before);
    std::fs::write(dir.path().join("meta.properties"), "version=9\n").unwrap();
    let done = storage(dir.path(), "info");
    assert!(done.err.contains("version is not 1"), "{done:?}");
}
