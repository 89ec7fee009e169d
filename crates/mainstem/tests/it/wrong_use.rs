//! Wrong use is found before anything is done: its exit code is 2, and the second line says what can be written instead.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::node::{BINARY, Done, Node, run};

fn alone(arguments: &[&str], dir: &Path) -> Done {
    let mut command = Command::new(BINARY);
    command.args(arguments).current_dir(dir);
    run(command, "")
}

/// A command that asks no node and is used wrongly.
fn check(arguments: &str, message: &str, hint: &str) {
    let dir = tempfile::tempdir().unwrap();
    let words: Vec<&str> = arguments.split_whitespace().collect();
    let done = alone(&words, dir.path());
    assert_eq!(done.code, Some(2), "{arguments}: {done:?}");
    let (first, second) = done.err.split_once('\n').unwrap();
    assert!(first.contains(message), "{arguments}: {done:?}");
    assert!(second.contains(hint), "{arguments}: {done:?}");
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert!(left.is_empty(), "{arguments}: {left:?}");
}

#[test]
fn addresses_are_checked_first() {
    for bootstrap in [
        "127.0.0.1",
        "localhost:1,other",
        "http://localhost:1",
        "a:0",
    ] {
        check(
            &format!("topic list --bootstrap {bootstrap}"),
            "is not HOST:PORT",
            "write HOST:PORT",
        );
    }
    check("server --listen foo:bar:1", "\"foo:bar:1\"", "for example");
    check(
        "server --listen nowhere.invalid:1",
        "nowhere.invalid",
        "--listen",
    );
    check(
        "server --http localhost",
        "\"localhost\" is not HOST:PORT",
        "--help",
    );
}

#[test]
fn properties_of_a_node_say_what_is_allowed() {
    let property = |option: &str, hint: &str| {
        check(
            &format!("server -o {option}"),
            option.split('=').next().unwrap(),
            hint,
        );
    };
    property("num.partitions=0", "mainstem config docs num.partitions");
    property("durability=never", "choose one of disk, page-cache");
    property("num.partitions=many", "mainstem config docs num.partitions");
    property("log.retention.hours=7d", "hours are meant: 168");
    property("nothing", "name=value");
}

#[test]
fn a_partition_that_is_not_there_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.must("topic create orders --partitions 2");
    let done = node.run_with(&["produce", "orders", "--partition", "99"], "a\n");
    assert_eq!(done.code, Some(1), "{done:?}");
    assert_eq!(
        done.err,
        "error: topic orders has no partition 99\n  its partitions are 0 to 1   ·   make more: mainstem topic alter orders --partitions N\n"
    );
    assert_eq!(node.run("consume orders --partition 99").err, done.err);
    node.must("topic create one");
    let done = node.run("consume one --partition -1");
    assert_eq!(done.code, Some(2), "{done:?}");
    let done = node.run("consume one --partition 1");
    assert!(done.err.contains("its only partition is 0"), "{done:?}");
    assert_eq!(
        node.run_with(&["produce", "orders", "--partition", "1"], "a\n")
            .code,
        Some(0)
    );
}

#[test]
fn a_record_is_tried_as_long_as_was_said() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.must("topic create orders");
    let mut producer = node.command(&["produce", "orders", "--timeout", "1s"]);
    let mut producer = producer
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = producer.stdin.take().unwrap();
    // It is connected once a record of it is stored.
    input.write_all(b"first\n").unwrap();
    node.must("consume orders --from-beginning --max 1");
    node.kill();
    let began = Instant::now();
    input.write_all(b"second\n").unwrap();
    drop(input);
    let done = producer.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(3), "{done:?}");
    // The built-in time of a producer is two minutes.
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_node_says_where_its_figures_are() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(BINARY);
    command.args([
        "server",
        "--listen",
        "localhost:0",
        "--http",
        "localhost:0",
        "--data-dir",
    ]);
    command.arg(dir.path());
    let node = Node::spawn(command);
    let line = node
        .banner
        .lines()
        .find(|line| line.contains("metrics  "))
        .unwrap();
    let address = line.split("http://").nth(1).unwrap();
    let address = address.strip_suffix("/metrics").unwrap();
    let get = |path: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
        answer
    };
    let paths = get("/");
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert!(paths.contains(path), "{paths}");
        get(path);
    }
}
