//! Where the output goes may end early or be full: the first is no failure, the second is one that says so.

use std::fs::File;
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
