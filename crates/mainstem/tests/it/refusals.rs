//! What goes wrong is said in two lines, one that names the thing and the cause and one that says what to do, and with the right code.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::node::{BINARY, Node, run};

/// A command that fails: its exit code, and what each of its two lines must hold.
fn check(node: &Node, arguments: &str, code: i32, message: &str, hint: &str) {
    let done = node.run(arguments);
    assert_eq!(done.code, Some(code), "{arguments}: {done:?}");
    let lines: Vec<&str> = done.err.lines().collect();
    assert!(lines[0].starts_with("error: "), "{arguments}: {done:?}");
    assert!(lines[0].contains(message), "{arguments}: {done:?}");
    assert!(lines[1].contains(hint), "{arguments}: {done:?}");
    assert_eq!(done.out, "", "{arguments}");
}

#[test]
fn refusals_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.must("topic create orders --partitions 2");
    let no = |arguments: &str, message: &str, hint: &str| check(&node, arguments, 1, message, hint);
    no(
        "consume order",
        "topic \"order\" does not exist on 127.0.0.1",
        "did you mean \"orders\"?   create it: mainstem topic create order",
    );
    no("consume orders --partition 2", "no partition 2", "0 to 1");
    no("consume orders --offset 9", "no offset 9", "--from-time");
    no(
        "topic create orders",
        "[TOPIC_ALREADY_EXISTS 36]",
        "topic describe",
    );
    no(
        "topic create a/b",
        "[INVALID_TOPIC_EXCEPTION 17]",
        "letters",
    );
    no(
        "group describe nobody",
        "group \"nobody\" does not exist",
        "group list",
    );
    no("topic delete order --yes", "does not exist", "orders");
    no(
        "config docs retention.mz",
        "no property \"retention.mz\"",
        "retention.ms",
    );
    let docs = node.must("config docs --topic retention.bytes").out;
    assert!(
        docs.starts_with("topic\tretention.bytes\tlong\t-1\tBytes kept"),
        "{docs}"
    );
    assert_eq!(node.must("config docs").out.lines().count(), 388);
    assert_eq!(node.must("config docs --topic").out.lines().count(), 37);
    check(&node, "topic delete orders", 2, "0 records", "--yes");
    check(&node, "topic alter orders", 2, "nothing to change", "--set");
    let usage = node.run("consume orders --offset 1 --from-beginning");
    assert_eq!(usage.code, Some(2));
    let usage = node.run("consume orders --from-time soon");
    assert_eq!(usage.code, Some(2));
    assert!(usage.err.contains("2026-01-01T08:00Z"), "{}", usage.err);
    assert_eq!(node.must("topic list").out, "orders\t2\t1\t0\t0\n");
}

#[test]
fn a_record_that_is_too_large_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.must("topic create t --partitions 1 --set max.message.bytes=1000");
    let large = format!("{}\n", "x".repeat(2_000));
    let done = node.run_with(&["produce", "t"], &large);
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("t-0"), "{}", done.err);
    assert!(done.err.contains("[MESSAGE_TOO_LARGE 10]"), "{}", done.err);
    assert!(done.err.contains("max.message.bytes"), "{}", done.err);
}

#[test]
fn no_node_is_its_own_exit_code() {
    // A port that was free a moment ago and where nobody listens now.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut command = Command::new(BINARY);
    command.args(["topic", "list", "--bootstrap", &port.to_string()]);
    let done = run(command, "");
    assert_eq!(done.code, Some(3), "{done:?}");
    let expected = format!("error: cannot reach {port}: connection refused\n  is a node running");
    assert!(done.err.starts_with(&expected), "{}", done.err);
}

fn start(dir: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(BINARY);
    command.arg("server").arg("--data-dir").arg(dir);
    command.args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    command.args(arguments);
    let done = run(command, "");
    (done.code, done.err)
}

#[test]
fn a_node_that_cannot_start_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("server.properties");
    std::fs::write(&file, "# hours\nlog.retention.hours=7d\n").unwrap();
    let (code, said) = start(&dir.path().join("d"), &["--config", file.to_str().unwrap()]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("line 2"), "{said}");
    assert!(said.contains("hours are meant: 168"), "{said}");

    let node = Node::start(&dir.path().join("used"));
    let (code, said) = start(&dir.path().join("used"), &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("stop the node that uses it"), "{said}");
    let (code, said) = start(&dir.path().join("d"), &["--listen", &node.address]);
    assert_ne!(code, Some(0), "{said}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let lines: String = (0..20_000)
        .map(|at| format!("line {at} of many\n"))
        .collect();
    node.run_with(&["produce", "t"], &lines);
    let mut reader = node.command(&["consume", "t", "--from-beginning"]);
    let mut reader = reader
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(reader.stdout.take());
    let output = reader.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stderr, b"");
}
