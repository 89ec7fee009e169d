//! Records out of text.

use clap::Parser;

use super::*;
use crate::cli::{Cli, Command};

fn records(arguments: &str, input: &str) -> Result<Vec<(Option<String>, String)>, String> {
    let words = format!("mainstem produce t {arguments}");
    let cli = Cli::try_parse_from(words.split_whitespace()).unwrap();
    let Command::Produce(options) = cli.command else {
        panic!("a produce command")
    };
    let mut found = Vec::new();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let result = each_record(&options, input.as_bytes(), |(key, value)| {
        found.push((key.map(text), text(value)));
        Ok(())
    });
    match result {
        Ok(()) => Ok(found),
        Err(Failure::No { message, .. } | Failure::Use { message, .. }) => Err(message),
        Err(other) => panic!("{other:?}"),
    }
}

fn check(arguments: &str, input: &str, expected: &[(Option<&str>, &str)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(key, value)| (key.map(str::to_owned), (*value).to_owned()))
        .collect();
    assert_eq!(records(arguments, input), Ok(expected), "{arguments}");
}

#[test]
fn lines_are_records() {
    check(
        "",
        "a\nb\r\n\nlast",
        &[(None, "a"), (None, "b"), (None, ""), (None, "last")],
    );
    check(
        "--key-separator =>",
        "k=>v\n=>w=>x\n",
        &[(Some("k"), "v"), (Some(""), "w=>x")],
    );
    assert_eq!(
        records("--key-separator :", "k:v\nnone\n"),
        Err("line 2 has no \":\" between key and value".to_owned())
    );
}

#[test]
fn json_objects_have_a_key_field() {
    check(
        "--format json --key id",
        "{\"id\":\"a\",\"n\":1}\n\n{\"id\":7}\n{\"id\":null}\n",
        &[
            (Some("a"), "{\"id\":\"a\",\"n\":1}"),
            (Some("7"), "{\"id\":7}"),
            (None, "{\"id\":null}"),
        ],
    );
    assert!(
        records("--format json", "{oops\n")
            .unwrap_err()
            .starts_with("line 1 is not JSON")
    );
    assert_eq!(
        records("--format json --key id", "{\"x\":1}\n"),
        Err("line 1 has no field \"id\"".to_owned())
    );
}

#[test]
fn csv_rows_become_objects() {
    check(
        "--format csv --key tail --null NA --text airport",
        "tail,delay,airport,note\nN1,-5,369,\"a, b\"\nNA,NA,JFK,\n,2.5,369,007\n",
        &[
            (
                Some("N1"),
                r#"{"tail":"N1","delay":-5,"airport":"369","note":"a, b"}"#,
            ),
            (
                None,
                r#"{"tail":null,"delay":null,"airport":"JFK","note":null}"#,
            ),
            (
                None,
                r#"{"tail":null,"delay":2.5,"airport":"369","note":"007"}"#,
            ),
        ],
    );
    check(
        "--format csv --key n",
        "n\n12\n",
        &[(Some("12"), r#"{"n":12}"#)],
    );
    assert_eq!(
        records("--format csv --key x", "a,b\n1,2\n"),
        Err("the header has no field \"x\"".to_owned())
    );
    assert!(
        records("--format csv", "a,b\n1\n")
            .unwrap_err()
            .starts_with("not CSV")
    );
}
