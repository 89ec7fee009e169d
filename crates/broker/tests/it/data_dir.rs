//! A data directory that is not what it should be: a clear refusal, and nothing changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mainstem_broker::{NodeConfig, RunningNode, start};

use super::serving::{fetch_request, fetched};
use super::wire::{Wire, batch, config, node, produce, topic};

fn refusal(config: NodeConfig) -> String {
    start(config).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn a_directory_of_another_node_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    node(dir.path()).stop().unwrap();
    let config = config(dir.path(), &["node.id=5"]);
    assert!(refusal(config).contains("belongs to node 1, not to node 5"));
}

#[test]
fn a_damaged_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    node(dir.path()).stop().unwrap();
    let check = |file: &str, bytes: &[u8], word: &str| {
        let path = dir.path().join(file);
        let before = std::fs::read(&path).unwrap();
        std::fs::write(&path, bytes).unwrap();
        let message = refusal(NodeConfig::for_tests(dir.path().to_owned()));
        assert!(message.contains(word), "{file}: {message}");
        std::fs::write(&path, before).unwrap();
    };
    check("meta.properties", b"version=7\n", "version is not 1");
    check(
        "meta.properties",
        b"version=1\nnode.id=1\n",
        "cluster.id is missing",
    );
    check(
        "recovery-point-offset-checkpoint",
        b"0\n5\n",
        "not as many entries",
    );
    let log = "__cluster_metadata-0/00000000000000000000.log";
    let mut damaged = std::fs::read(dir.path().join(log)).unwrap();
    damaged[130] ^= 0xff;
    check(log, &damaged, "metadata log");
    node(dir.path()).stop().unwrap();
}

#[test]
fn a_torn_log_is_repaired_and_said_so() {
    let dir = tempfile::tempdir().unwrap();
    let first = node(dir.path());
    let mut wire = Wire::to(&first);
    topic(&mut wire, "orders");
    produce(&mut wire, "orders", batch(b"whole"));
    first.stop().unwrap();
    // As after a crash: no mark of a clean stop, and half a batch behind the last.
    std::fs::remove_file(dir.path().join(".kafka_cleanshutdown")).unwrap();
    let log = dir.path().join("orders-0/00000000000000000000.log");
    let mut bytes = std::fs::read(&log).unwrap();
    bytes.extend_from_slice(&batch(b"torn")[..40]);
    std::fs::write(&log, bytes).unwrap();
    let second = node(dir.path());
    let repair = second.report.repairs.first().unwrap();
    assert_eq!((repair.cut_bytes, repair.at_offset), (40, 1));
    assert_eq!(
        produce(&mut Wire::to(&second), "orders", batch(b"next")).base_offset,
        1
    );
    second.stop().unwrap();
}

#[test]
fn records_outlive_the_loss_of_the_metadata_log() {
    let dir = tempfile::tempdir().unwrap();
    let first = node(dir.path());
    let mut wire = Wire::to(&first);
    topic(&mut wire, "orders");
    produce(&mut wire, "orders", batch(b"precious"));
    first.stop().unwrap();
    std::fs::remove_dir_all(dir.path().join("__cluster_metadata-0")).unwrap();
    node(dir.path()).stop().unwrap();
    let names = std::fs::read_dir(dir.path()).unwrap();
    let stray = names
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().ends_with("-stray"))
        .expect("the directory is kept");
    let log = std::fs::read(stray.join("00000000000000000000.log")).unwrap();
    assert!(log.windows(8).any(|bytes| bytes == b"precious"));
}

/// Every file below a directory, with its bytes.
fn tree(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(tree(&path));
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}

/// Makes the files below a directory those of `files`.
fn restore(dir: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        } else {
            std::fs::remove_file(path).unwrap();
        }
    }
    for (path, bytes) in files {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

fn damages(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut flipped = bytes.to_vec();
    if let Some(byte) = flipped.get_mut(bytes.len() / 2) {
        *byte ^= 0x55;
    }
    vec![
        ("nothing is left", Vec::new()),
        ("half is left", bytes[..bytes.len() / 2].to_vec()),
        (
            "noise",
            (0..=255).cycle().take(bytes.len().max(700)).collect(),
        ),
        ("a byte is wrong", flipped),
        ("noise behind it", [bytes, &[0xee; 100]].concat()),
    ]
}

/// What a topic holds, as far as it can be read.
fn held(node: &RunningNode, name: &str) -> Vec<u8> {
    let mut request = fetch_request(0, 0);
    request.topics[0].topic = name.into();
    fetched(&Wire::to(node).ask(12, &request)).2
}

/// Whether the log of a topic that was put aside is there to the byte.
fn is_kept_aside(dir: &Path, topic: &str, files: &BTreeMap<PathBuf, Vec<u8>>) -> bool {
    let log = "00000000000000000000.log";
    let before = &files[&dir.join(format!("{topic}-0")).join(log)];
    let now = tree(dir);
    let prefix = format!("{topic}-0.");
    now.iter().any(|(path, bytes)| {
        let path = path.strip_prefix(dir).unwrap().to_string_lossy();
        path.starts_with(&prefix) && path.ends_with(&format!("-stray/{log}")) && bytes == before
    })
}

/// A node either starts, with all that is not in the damaged file, or says which file it is and leaves everything as it was.
fn check_damaged(was_clean: bool) {
    let dir = tempfile::tempdir().unwrap();
    let config = || config(dir.path(), &["offsets.topic.num.partitions=1"]);
    let first = start(config()).unwrap();
    let mut wire = Wire::to(&first);
    for name in ["orders", "others"] {
        topic(&mut wire, name);
        for value in 0..20_u8 {
            produce(&mut wire, name, batch(&[value; 300]));
        }
    }
    let kept = (held(&first, "orders"), held(&first, "others"));
    first.stop().unwrap();
    let mut files = tree(dir.path());
    files.remove(&dir.path().join(".lock"));
    if !was_clean {
        files.remove(&dir.path().join(".kafka_cleanshutdown"));
    }
    let (mut started, mut refused) = (0, 0);
    for (path, bytes) in &files {
        for (what, damaged) in damages(bytes) {
            restore(dir.path(), &files);
            std::fs::write(path, &damaged).unwrap();
            let before = tree(dir.path());
            let name = path.strip_prefix(dir.path()).unwrap().display().to_string();
            match start(config()) {
                Err(error) => {
                    refused += 1;
                    let message = error.to_string();
                    let folder = name.split('/').next().unwrap();
                    assert!(message.contains(folder), "{name}, {what}: {message}");
                    let after = tree(dir.path());
                    // Logs may have grown, by the registration of this start; what was there is there, and so is the mark of a clean stop.
                    for (path, bytes) in before.iter().filter(|(changed, _)| *changed != path) {
                        let file = path.display().to_string();
                        if file.ends_with(".log") || file.ends_with(".kafka_cleanshutdown") {
                            let now = after
                                .get(path)
                                .unwrap_or_else(|| panic!("{name}: no {file}"));
                            assert!(now.starts_with(bytes), "{name}, {what}: {file}");
                        }
                    }
                }
                Ok(node) => {
                    started += 1;
                    for (topic, kept) in [("orders", &kept.0), ("others", &kept.1)] {
                        let damaged = name.starts_with(&format!("{topic}-0"));
                        // After a crash nobody can tell a metadata log that lost its end from one that ended there.
                        let aside = !was_clean
                            && name.starts_with("__cluster_metadata-0/0")
                            && is_kept_aside(dir.path(), topic, &files);
                        let served = held(&node, topic) == *kept;
                        assert!(served || damaged || aside, "{name}, {what}: {topic}");
                    }
                    let _ = node.stop();
                }
            }
        }
    }
    assert!(
        started > 20 && refused > 5,
        "{started} started, {refused} refused"
    );
    restore(dir.path(), &files);
    let last = start(config()).unwrap();
    assert!((held(&last, "orders"), held(&last, "others")) == kept);
    last.stop().unwrap();
}

#[test]
fn any_file_may_be_damaged_after_a_clean_stop() {
    check_damaged(true);
}

#[test]
fn any_file_may_be_damaged_after_a_crash() {
    check_damaged(false);
}
