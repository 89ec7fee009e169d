//! Data directories that another node uses, that cannot be written, or that are full: real processes on real file systems.

use std::path::Path;
use std::process::{Command, Stdio};

use mainstem_protocol::ErrorCode;
use mainstem_protocol::messages::MetadataRequest;

use crate::node::{BINARY, Node, run};
use crate::wire::{Wire, batch, fetch_request, produce_request};

/// A node that is started and must refuse: its exit code and its two lines.
fn refused(mut command: Command) -> (Option<i32>, String) {
    command.args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    let done = run(command, "");
    (done.code, done.err)
}

fn server(dir: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command.arg("server").arg("--data-dir").arg(dir);
    command
}

/// A shell that does `before` and then becomes a node on `dir`.
fn shell(before: &str, dir: &Path, wrapper: &[&str]) -> Command {
    let script = format!("{before}; exec \"$0\" server --data-dir \"$1\" \"${{@:2}}\"");
    let mut words = wrapper.to_vec();
    words.extend(["bash", "-c", &script, BINARY]);
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(dir);
    command
}

/// Whether this user may have a mount table of its own.
fn can_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"])
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}

#[test]
fn two_processes_cannot_have_one_directory() {
    let dir = tempfile::tempdir().unwrap();
    let first = Node::start(dir.path());
    first.must("topic create orders");
    let (code, said) = refused(server(dir.path()));
    assert_eq!(code, Some(1), "{said}");
    let name = dir.path().display().to_string();
    assert!(
        said.contains(&format!("{name} is locked by another node")),
        "{said}"
    );
    assert!(said.contains("--data-dir"), "{said}");
    assert_eq!(Wire::to(&first).produce("orders", b"undisturbed"), 0);
    // The lock goes with the process, however it ends.
    first.kill();
    let second = Node::start(dir.path());
    assert_eq!(Wire::to(&second).produce("orders", b"next"), 1);
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    // Nobody may make files there, not even root.
    let nowhere = Path::new("/sys/kernel/mainstem");
    let (code, said) = refused(server(nowhere));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("error: /sys/kernel/mainstem"), "{said}");
    let file = tempfile::NamedTempFile::new().unwrap();
    let (code, said) = refused(server(file.path()));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&file.path().display().to_string()), "{said}");
    if can_mount() {
        // A directory with data, mounted read-only.
        let dir = tempfile::tempdir().unwrap();
        drop(Node::start(dir.path()).interrupt());
        let name = dir.path().display();
        let before = format!("mount --bind {name} {name} && mount -o remount,bind,ro {name}");
        let (code, said) = refused(shell(&before, dir.path(), &["unshare", "-rm"]));
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(&format!("error: {name}")), "{said}");
        assert!(said.contains("Read-only file system"), "{said}");
        drop(Node::start(dir.path()).interrupt());
    }
}

/// Produces until the disk takes no more; how many records were acknowledged.
fn fill(wire: &mut Wire, topic: &str, bytes: usize) -> i64 {
    for offset in 0..1_000 {
        let request = produce_request(topic, batch(&vec![7; bytes]));
        let response = wire.ask(9, &request);
        let answer = &response.responses[0].partition_responses[0];
        match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None => assert_eq!(answer.base_offset, offset),
            code => {
                assert_eq!(code, ErrorCode::KafkaStorageError);
                assert!(offset > 0);
                return offset;
            }
        }
    }
    panic!("the disk is not full");
}

/// What was acknowledged is read, nothing more is taken, and the node lives.
fn check_full(node: &Node, topic: &str, records: i64) {
    let mut wire = Wire::to(node);
    for offset in [0, records - 1] {
        let response = wire.ask(12, &fetch_request(topic, offset, 1 << 16));
        let data = &response.responses[0].partitions[0];
        assert_eq!((data.error_code, data.high_watermark), (0, records));
        assert!(
            data.records
                .as_ref()
                .is_some_and(|records| !records.is_empty())
        );
    }
    let again = wire.ask(9, &produce_request(topic, batch(&[7; 200_000])));
    assert_eq!(
        ErrorCode::from_code(again.responses[0].partition_responses[0].error_code),
        ErrorCode::KafkaStorageError
    );
    let all = MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    };
    assert!(wire.ask(9, &all).topics.len() >= 2);
}

#[test]
fn files_that_may_grow_no_more_stop_their_partition_only() {
    let dir = tempfile::tempdir().unwrap();
    // No file beyond 1,000 KiB. The signal that comes with it is ignored, as a service manager may set it.
    let mut command = shell("trap '' XFSZ; ulimit -f 1000", dir.path(), &[]);
    command.args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    let mut node = Node::spawn(command);
    let said = node.listen();
    node.must("topic create orders");
    node.must("topic create others");
    let mut wire = Wire::to(&node);
    let records = fill(&mut wire, "orders", 200_000);
    check_full(&node, "orders", records);
    assert_eq!(wire.produce("others", b"goes on"), 0);
    node.kill();
    assert!(
        said.join().unwrap().contains("a write failed"),
        "it is said why"
    );
    let again = Node::start(dir.path());
    let (_, high_watermark) = Wire::to(&again).fetch("orders", 0);
    assert!(high_watermark >= records, "{high_watermark} of {records}");
    assert_eq!(Wire::to(&again).produce("orders", b"more"), high_watermark);
}

#[test]
fn a_full_disk_is_read_and_the_node_lives() {
    let dir = tempfile::tempdir().unwrap();
    let name = dir.path().display();
    // A file system of 4 MiB; where none may be mounted, files that may not grow come as near as can be.
    let mut command = if can_mount() {
        let before = format!("mount -t tmpfs -o size=4m none {name}");
        shell(&before, dir.path(), &["unshare", "-rm"])
    } else {
        shell("trap '' XFSZ; ulimit -f 1000", dir.path(), &[])
    };
    command.args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    let mut node = Node::spawn(command);
    let _said = node.listen();
    node.must("topic create orders");
    node.must("topic create others");
    let mut wire = Wire::to(&node);
    let records = fill(&mut wire, "orders", 200_000);
    check_full(&node, "orders", records);
    // Deleting a topic makes room for the others.
    node.must("topic delete orders --yes");
    let began = std::time::Instant::now();
    while Wire::to(&node)
        .ask(9, &produce_request("others", batch(&[7; 100_000])))
        .responses[0]
        .partition_responses[0]
        .error_code
        != 0
    {
        assert!(began.elapsed() < std::time::Duration::from_secs(20));
    }
}
