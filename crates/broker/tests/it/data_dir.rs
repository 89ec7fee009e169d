//! A data directory that is not what it should be: a clear refusal, and nothing changed.

use mainstem_broker::{NodeConfig, Properties, start};

use super::wire::{Wire, batch, node, produce, topic};

fn refusal(config: NodeConfig) -> String {
    start(config).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn a_directory_of_another_node_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    node(dir.path()).stop().unwrap();
    let mut properties = Properties::default();
    properties.set("node.id=5").unwrap();
    let config = NodeConfig {
        properties,
        ..NodeConfig::for_tests(dir.path().to_owned())
    };
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
