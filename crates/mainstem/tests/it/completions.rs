//! What shells propose: commands and options from the grammar, names from the cluster.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::node::{BINARY, Node, run};

fn script(shell: &str) -> String {
    let mut command = Command::new(BINARY);
    command.args(["completions", shell]);
    let done = run(command, "");
    assert_eq!(done.code, Some(0), "{shell}: {done:?}");
    done.out
}

/// What is proposed for the last word of a line, asked as the script of a shell asks. fish shows what each is for behind a tab.
fn proposed(line: &str, bootstrap: &str, shell: &str) -> Vec<String> {
    let words: Vec<&str> = line.split(' ').collect();
    let mut command = Command::new(BINARY);
    command.arg("--").args(&words);
    command.env("MAINSTEM_COMPLETE", shell);
    command.env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string());
    command.env("_CLAP_IFS", "\n");
    command.env("MAINSTEM_BOOTSTRAP", bootstrap);
    let done = run(command, "");
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{line}");
    let lines = done.out.lines();
    let values = lines.filter_map(|line| line.split('\t').next());
    values.map(str::to_owned).collect()
}

#[test]
fn commands_options_and_values_are_proposed() {
    let check = |line: &str, expected: &[&str]| {
        for shell in ["bash", "fish"] {
            let found = proposed(line, "localhost:1", shell);
            assert_eq!(found, expected, "{shell}: {line}");
        }
    };
    check("mainstem prod", &["produce"]);
    check("mainstem topic de", &["describe", "delete"]);
    check("mainstem topic create --repl", &["--replication-factor"]);
    check("mainstem produce t --codec z", &["zstd"]);
    check("mainstem config docs retention.m", &["retention.ms"]);
    check(
        "mainstem config set --broker 1 num.part",
        &["num.partitions="],
    );
    check("mainstem topic list --boot", &["--bootstrap"]);
    // Options that a command does not heed are not offered.
    check("mainstem completions --boot", &[]);
    check("mainstem server --ye", &[]);
}

#[test]
fn names_of_topics_and_groups_are_proposed() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    for topic in ["orders", "order-lines", "payments"] {
        node.must(&format!("topic create {topic}"));
    }
    node.must("consume orders --group billing --until-end");
    let check = |line: &str, expected: &[&str]| {
        assert_eq!(proposed(line, &node.address, "bash"), expected, "{line}");
    };
    let orders = ["order-lines", "orders"];
    check("mainstem topic describe ord", &orders);
    check("mainstem consume ord", &orders);
    check("mainstem produce pay", &["payments"]);
    check("mainstem config get --topic ord", &orders);
    check("mainstem group describe b", &["billing"]);
    check("mainstem group reset billing --topic pay", &["payments"]);
    check("mainstem topic create ord", &[]);
    // The line's own brokers win.
    let other = proposed(
        "mainstem topic list --bootstrap localhost:1 --internal",
        &node.address,
        "bash",
    );
    assert_eq!(other, ["--internal"]);
    for sign in [' ', '='] {
        let line = format!(
            "mainstem --bootstrap{sign}{} topic describe pay",
            node.address
        );
        assert_eq!(
            proposed(&line, "localhost:1", "fish"),
            ["payments"],
            "{line}"
        );
        // As bash splits it.
        let line = line.replace('=', " = ").replace(':', " : ");
        assert_eq!(
            proposed(&line, "localhost:1", "bash"),
            ["payments"],
            "{line}"
        );
    }

    // Nobody waits for a node that is not there.
    let address = node.address.clone();
    node.kill();
    let began = Instant::now();
    assert!(proposed("mainstem topic describe ord", &address, "bash").is_empty());
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn scripts_ask_the_program() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = script(shell);
        for word in ["mainstem", "MAINSTEM_COMPLETE"] {
            assert!(script.contains(word), "{shell}: {script}");
        }
    }
    // In a shell that runs it, with the program where it looks for it.
    let line = |words: &str, last: &str| {
        let ask = format!(
            "{}\nCOMP_WORDS=({words} {last}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             _clap_complete_mainstem mainstem {last} ''\necho \"${{COMPREPLY[@]}}\"",
            script("bash")
        );
        let dir = std::path::Path::new(BINARY).parent().unwrap();
        let path = format!("{}:{}", dir.display(), std::env::var("PATH").unwrap());
        let mut bash = Command::new("bash");
        bash.args(["-c", &ask]).env("PATH", path);
        let done = run(bash, "");
        assert_eq!(done.code, Some(0), "{done:?}");
        let proposed = done.out.split_whitespace().map(str::to_owned);
        proposed.collect::<Vec<_>>()
    };
    assert_eq!(line("mainstem topic", "de"), ["describe", "delete"]);
    assert_eq!(line("mainstem", "prod"), ["produce"]);
    assert_eq!(line("mainstem topic create", "--part"), ["--partitions"]);
}
