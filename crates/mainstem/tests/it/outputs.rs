//! Where the output goes may end early or be full: the first is no failure, the second is one that says so.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use crate::node::{BINARY, Node};

/// Code, and what was said on standard error.
fn into(stdout: Stdio, mut command: Command) -> (Option<i32>, String) {
    let child = command
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stderr).into_owned();
    (child.status.code(), said)
}

/// A pipe that nobody reads any more.
fn closed_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn check(arguments: &str, command: impl Fn(&[&str]) -> Command) {
    let words: Vec<&str> = arguments.split_whitespace().collect();
    let (code, said) = into(closed_pipe(), command(&words));
    assert_eq!(code, Some(0), "{arguments}: {said}");
    for complaint in ["panicked", "error", "pipe"] {
        assert!(!said.contains(complaint), "{arguments}: {said}");
    }
    let full = File::options().write(true).open("/dev/full").unwrap();
    let (code, said) = into(full.into(), command(&words));
    assert_eq!(code, Some(1), "{arguments}: {said}");
    assert!(said.contains("No space left"), "{arguments}: {said}");
}

fn alone(words: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(words);
    command
}

#[test]
fn commands_that_ask_nobody_end_quietly_or_say_why() {
    for arguments in [
        "completions bash",
        "completions zsh",
        "config docs",
        "config docs --json",
        "--help",
        "--version",
        "topic create --help",
    ] {
        check(arguments, alone);
    }
}

#[test]
fn commands_that_ask_a_node_end_quietly_or_say_why() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.must("topic create t");
    assert_eq!(node.run_with(&["produce", "t"], "one\ntwo\n").code, Some(0));
    for command in [
        "topic list",
        "topic list --json",
        "topic describe t",
        "consume t --from-beginning --max 2 --quiet",
        "config list --topic t",
        "cluster",
    ] {
        check(command, |words| node.command(words));
    }
    drop(node);
    for file in ["00000000000000000000.log", "leader-epoch-checkpoint"] {
        let dump = format!("log dump {}/t-0/{file}", dir.path().display());
        check(&dump, alone);
    }
}

/// A terminal: what a process writes to the one comes out of the other.
fn terminal() -> (File, File) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = File::options()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap());
    (File::from(ours), theirs.unwrap())
}

/// Produces while `stderr` is what it is; `shown` tells when the rest of the input may come.
fn produce(node: &Node, stderr: Stdio, shown: impl FnOnce()) {
    let mut child = node
        .command(&["produce", "t"])
        .stdin(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&b"line\n".repeat(5_000)).unwrap();
    shown();
    input.write_all(b"the last\n").unwrap();
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn progress_is_shown_on_a_terminal_and_nowhere_else() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.must("topic create t");
    let (mut ours, theirs) = terminal();
    let mut screen = String::new();
    let mut read = |until: &str| {
        let mut some = [0; 1_024];
        while !screen.contains(until) {
            let count = ours.read(&mut some).unwrap();
            screen.push_str(&String::from_utf8_lossy(&some[..count]));
        }
    };
    // While records come, their count is on the screen; in the end it has made room for what was done.
    produce(&node, theirs.into(), || read(" records · "));
    read("5,001 records sent to t");

    let file = tempfile::NamedTempFile::new().unwrap();
    produce(&node, file.reopen().unwrap().into(), || {});
    let said = std::fs::read_to_string(file.path()).unwrap();
    assert!(said.starts_with("5,001 records sent to t"), "{said:?}");
    assert_eq!(said.lines().count(), 1, "{said:?}");
}

/// What a command writes on a terminal that has so many columns.
fn on_terminal(mut command: Command, columns: u16) -> String {
    let (mut ours, theirs) = terminal();
    let size = rustix::termios::Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    rustix::termios::tcsetwinsize(&theirs, size).unwrap();
    command.stdin(Stdio::null()).stdout(theirs);
    assert!(command.status().unwrap().success());
    drop(command); // and with it the other end: reading then fails once everything was read
    let mut screen = Vec::new();
    let mut some = [0; 1_024];
    while let Ok(count) = ours.read(&mut some)
        && count > 0
    {
        screen.extend_from_slice(&some[..count]);
    }
    String::from_utf8(screen).unwrap()
}

#[test]
fn tables_can_be_read_on_any_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    assert_eq!(on_terminal(node.command(&["topic", "list"]), 80), "");
    node.must("topic create orders-of-today --partitions 2");
    let record = "x".repeat(100 * 1_024 - 80);
    assert_eq!(
        node.run_with(&["produce", "orders-of-today"], &record).code,
        Some(0)
    );
    // A pseudo-terminal that nobody gave a size has width 0.
    for columns in [0, 1, 40, 80, 200] {
        let screen = on_terminal(node.command(&["topic", "list"]), columns);
        let lines: Vec<&str> = screen.lines().collect();
        assert_eq!(lines.len(), 2, "{columns}:\n{screen}");
        let whole = [
            "PARTITIONS  REPLICAS  RECORDS       SIZE",
            "orders-of-today",
        ];
        for (line, whole) in lines.iter().zip(whole) {
            assert!(line.contains(whole), "{columns}:\n{screen}");
        }
        assert!(lines[1].ends_with("  99.99 KiB"), "{columns}:\n{screen}");
    }
}
