//! `docs/configuration.md` says what the tables of properties say, and the tables say what the code does.
//! `UPDATE=1 cargo test` writes the page.

use std::path::Path;

use mainstem_metadata::config::{Served, TOPIC_CONFIGS, broker_areas, markdown};

#[test]
fn the_page_says_what_the_tables_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, markdown()).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == markdown(),
        "docs/configuration.md is old; UPDATE=1 cargo test writes it"
    );
}

/// The source text below a directory, without tests and without the files that only show properties, or say that they are not served.
fn source(dir: &Path, out: &mut String) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            source(&path, out);
        } else if !matches!(
            name.as_str(),
            "tests.rs" | "asked.rs" | "changing.rs" | "dynamic.rs" | "describe_configs.rs"
        ) {
            out.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn a_broker_property_is_said_to_have_an_effect_exactly_when_it_is_read() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut text = String::new();
    source(&crates.join("broker/src"), &mut text);
    source(&crates.join("mainstem/src"), &mut text);
    for row in broker_areas().flat_map(|(_, rows)| rows) {
        let gives_default = TOPIC_CONFIGS
            .iter()
            .any(|topic| topic.served == Served::Yes && topic.synonyms.contains(&row.name));
        let is_read = gives_default || text.contains(&format!("\"{}\"", row.name));
        let is_partly = matches!(row.name, "listeners" | "log.dirs");
        let said = row.served == Served::Yes || is_partly;
        assert_eq!(said, is_read, "{}", row.name);
    }
}
