//! The runner itself.

use super::{parse, run, word};

const TEXT: &str = "# two commands\nadd n=1\n----\n1\n\nadd n=2\n----\n3\n";

#[test]
fn a_right_transcript_comes_out_as_it_was() {
    let mut sum = 0;
    let out = run(TEXT, |command| {
        sum += word(command, "n").unwrap().parse::<i32>().unwrap();
        format!("{sum}\n")
    });
    assert_eq!(out, TEXT);
    assert_eq!(parse(TEXT).len(), 2);
    assert_ne!(run(TEXT, |_| "0".to_owned()), TEXT);
}
