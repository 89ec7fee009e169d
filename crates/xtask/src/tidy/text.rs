//! Rules about the text of one file.

use super::Finding;

/// Lines of a file.
const LINES_MAX: usize = 800;

/// Directories of generated code and of tables, which may be long.
const TABLES: &[&str] = &["/generated/", "/tests/it/samples/", "/config/definitions/"];

/// Names that say nothing.
const EMPTY_NAMES: &[&str] = &[
    "utils.rs",
    "common.rs",
    "helpers.rs",
    "impls.rs",
    "misc.rs",
    "types.rs",
    "util.rs",
];

/// Words that must not stay, and what to do instead. Written in two pieces, so that this file does not break its own rule.
const WORDS: &[(&str, &str, &str)] = &[
    ("FIX", "ME", "mend it, or open an issue"),
    ("tod", "o!(", "write it"),
    ("unimpl", "emented!(", "write it"),
    ("db", "g!(", "take it out"),
    ("#[ig", "nore", "mend the test or delete it"),
];

pub(super) fn check(path: &str, source: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    let slashed = format!("/{path}");
    let is_table = TABLES.iter().any(|folder| slashed.contains(folder));
    if !source.starts_with("//!") {
        found.push(Finding::new(
            path,
            "begin with //!: what the file owns, what it must not know, its invariants",
        ));
    }
    let lines = source.lines().count();
    if lines > LINES_MAX && !is_table {
        found.push(Finding::new(
            path,
            format!(
                "{lines} lines; a file has at most {LINES_MAX}: which second purpose lives in it?"
            ),
        ));
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    if EMPTY_NAMES.contains(&name) {
        found.push(Finding::new(path, "name it after what it owns"));
    }
    let is_test = path.contains("/tests/") || name == "tests.rs";
    for (number, line) in (1..).zip(source.lines()) {
        let place = format!("{path}:{number}");
        for (head, tail, remedy) in WORDS {
            if line.contains(&format!("{head}{tail}")) {
                found.push(Finding::new(
                    place.clone(),
                    format!("{head}{tail}… must not stay: {remedy}"),
                ));
            }
        }
        if is_test && (line.contains("thread::sleep(") || line.contains("time::sleep(")) {
            found.push(Finding::new(
                place.clone(),
                "a test waits for a condition, not for luck",
            ));
        }
        if is_test && line.contains("127.0.0.1:") && !line.contains("127.0.0.1:0") && has_port(line)
        {
            found.push(Finding::new(
                place,
                "no fixed ports in tests: bind 127.0.0.1:0",
            ));
        }
    }
    found
}

fn has_port(line: &str) -> bool {
    line.split("127.0.0.1:")
        .skip(1)
        .any(|rest| rest.starts_with(|character: char| character.is_ascii_digit()))
}
