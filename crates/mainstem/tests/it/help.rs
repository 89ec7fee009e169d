//! What help, completions and options that mean the same everywhere look like to a person.

use std::process::Command;

use crate::node::{BINARY, Node, run};

/// What a command that asks nobody prints.
fn said(arguments: &str) -> String {
    let mut command = Command::new(BINARY);
    command.args(arguments.split_whitespace());
    command.env_remove("MAINSTEM_BOOTSTRAP");
    let done = run(command, "");
    assert_eq!(done.code, Some(0), "{arguments}: {done:?}");
    done.out
}

/// The options that stand below a heading.
fn below(help: &str, heading: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != heading);
    let lines = lines.skip(1).take_while(|line| !line.is_empty());
    let options =
        lines.filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--")));
    options.map(str::to_owned).collect()
}

#[test]
fn help_shows_the_options_that_a_command_heeds() {
    let check = |command: &str, own: &[&str], connection: &[&str], global: &[&str]| {
        let help = said(&format!("{command} -h"));
        assert_eq!(below(&help, "Connection:"), connection, "{help}");
        assert_eq!(below(&help, "Global options:"), global, "{help}");
        let options = below(&help, "Options:");
        let (common, options): (Vec<_>, Vec<_>) = options
            .iter()
            .map(String::as_str)
            .partition(|option| ["--help", "--version"].contains(option));
        assert_eq!(options, own, "{help}");
        assert_eq!(common.len(), 2, "{help}");
    };
    let connection = ["--bootstrap", "--timeout"];
    let common = ["--json", "--quiet", "--verbose"];
    let asking = ["--json", "--quiet", "--yes", "--verbose"];
    check("topic list", &["--internal"], &connection, &common);
    check("topic delete", &[], &connection, &asking);
    check("cluster", &[], &connection, &common);
    check("log dump", &["--deep", "--decode"], &[], &["--json"]);
    check("storage random-uuid", &[], &[], &["--json"]);
    check("man", &[], &[], &["--quiet"]);
    check("completions", &[], &[], &[]);
    let of_server = [
        "--data-dir",
        "--listen",
        "--http",
        "--config",
        "--log-format",
    ];
    check("server", &of_server, &[], &[]);
}

#[test]
fn help_opens_with_examples() {
    for command in [
        "",
        "server",
        "topic",
        "produce",
        "consume",
        "group",
        "group reset",
        "config",
        "cluster",
        "storage",
        "storage format",
        "log dump",
        "man",
        "completions",
    ] {
        let help = said(&format!("{command} --help"));
        assert!(help.starts_with("Examples:\n  "), "{command}: {help}");
        assert!(
            help.contains(&format!("mainstem {command}")),
            "{command}: {help}"
        );
    }
}

/// What `config where` says of an option.
fn check_origin(arguments: &str, variable: Option<&str>, expected: &str) {
    let mut command = Command::new(BINARY);
    command.args(["config", "where"]);
    command.args(arguments.split_whitespace());
    command.env_remove("MAINSTEM_BOOTSTRAP");
    if let Some(address) = variable {
        command.env("MAINSTEM_BOOTSTRAP", address);
    }
    let done = run(command, "");
    assert_eq!(done.code, Some(0), "{done:?}");
    let mut lines = done.out.lines();
    assert!(lines.any(|line| line == expected), "{expected}: {done:?}");
}

#[test]
fn options_say_where_they_come_from() {
    let check = check_origin;
    check("", None, "--timeout\t30s\tdefault");
    let variable = "--bootstrap\tother:1\tenvironment, MAINSTEM_BOOTSTRAP";
    check("", Some("other:1"), variable);
    let said = "--bootstrap\tthird:2\tcommand line";
    check("--bootstrap third:2", Some("other:1"), said);
    check("--bootstrap third:2", None, said);
    check("--timeout 3s", None, "--timeout\t3s\tcommand line");
    check("", None, "--quiet\tfalse\tdefault");
    check("--quiet", None, "--quiet\ttrue\tcommand line");
}

#[test]
fn options_mean_the_same_everywhere_and_stand_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.must("topic create orders");
    let expected = node.must("topic list --json").out;
    assert!(expected.contains("\"topic\":\"orders\""), "{expected}");
    assert_eq!(node.must("topic --json list").out, expected);
    assert_eq!(node.must("--json topic list").out, expected);
    let address = &node.address;
    for line in [
        format!("--bootstrap {address} topic list --json"),
        format!("topic list --json --bootstrap {address}"),
    ] {
        assert_eq!(said(&line), expected, "{line}");
    }
    // Where an option has nothing to do it is taken all the same: a script need not know.
    let id = said("storage random-uuid --bootstrap nowhere:1 --yes --quiet --timeout 1s");
    assert_eq!(id.trim().len(), 22, "{id}");
}
