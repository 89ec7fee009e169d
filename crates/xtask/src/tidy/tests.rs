//! The repository is tidy; and every rule can be broken.

use super::documents::paths;
use super::layers::banned;
use super::text;

#[test]
fn the_repository_is_tidy() {
    let found = super::check(&crate::root()).unwrap();
    let text: Vec<String> = found
        .iter()
        .map(|finding| format!("{}: {}", finding.place, finding.what))
        .collect();
    assert!(found.is_empty(), "{}", text.join("\n"));
}

#[test]
fn every_rule_about_text_can_be_broken() {
    let check = |path: &str, source: &str, word: &str| {
        let found = text::check(path, source);
        assert!(
            found.iter().any(|finding| finding.what.contains(word)),
            "{path} {word}: {found:?}"
        );
    };
    assert!(text::check("crates/a/src/b.rs", "//! Owns b.\n").is_empty());
    check("crates/a/src/b.rs", "fn f() {}\n", "begin with");
    check(
        "crates/a/src/b.rs",
        &format!("//! b\n{}", "x\n".repeat(900)),
        "at most 800",
    );
    assert!(
        text::check(
            "crates/a/src/generated/b.rs",
            &format!("//! b\n{}", "x\n".repeat(900))
        )
        .is_empty()
    );
    check("crates/a/src/utils.rs", "//! b\n", "name it");
    for (head, tail) in [("FIX", "ME"), ("tod", "o!()"), ("#[ig", "nore]")] {
        check(
            "crates/a/src/b.rs",
            &format!("//! b\n{head}{tail}\n"),
            "must not stay",
        );
    }
    check(
        "crates/a/tests/it/main.rs",
        concat!("//! b\nstd::thread::", "sleep(x);\n"),
        "not for luck",
    );
    check(
        "crates/a/tests/it/main.rs",
        concat!("//! b\nbind(\"127.0.0.1:", "9092\");\n"),
        "fixed ports",
    );
}

#[test]
fn a_core_must_not_know_a_clock() {
    let words = vec!["std::time".to_owned()];
    assert_eq!(banned("a.rs", "use std::time::Instant;\n", &words).len(), 1);
    assert!(banned("a.rs", "// not std::time\n", &words).is_empty());
}

#[test]
fn paths_in_documents_must_exist() {
    let found = paths(
        "README.md",
        "see `docs/x.md` and `crates/there.rs`, not `other/y`\n",
        |path| path.contains("there"),
    );
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].what, "docs/x.md does not exist");
}
