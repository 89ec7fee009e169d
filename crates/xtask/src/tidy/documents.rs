//! Rules about documents: the map of the crates, the list of dependencies, and paths that must exist.

use std::path::Path;

use anyhow::Result;

use super::Finding;
use super::layers::{dependencies, manifest, read};

pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut found = map(root)?;
    found.extend(external(root)?);
    let mut documents = vec![
        "README.md".to_owned(),
        "ARCHITECTURE.md".to_owned(),
        "CHANGELOG.md".to_owned(),
        "interop/README.md".to_owned(),
        "fuzz/README.md".to_owned(),
    ];
    for folder in ["docs", "docs/adr"] {
        for entry in std::fs::read_dir(root.join(folder))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".md") {
                documents.push(format!("{folder}/{name}"));
            }
        }
    }
    for document in documents {
        let text = std::fs::read_to_string(root.join(&document))?;
        found.extend(paths(&document, &text, |path| root.join(path).exists()));
    }
    Ok(found)
}

/// Every crate has its heading in ARCHITECTURE.md once, in the order of the layers.
fn map(root: &Path) -> Result<Vec<Finding>> {
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md"))?;
    let layers = read(root)?;
    let mut found = Vec::new();
    let mut last = 0;
    let mut named = Vec::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("### ")) {
        let Some(name) = line.split('`').nth(1) else {
            continue;
        };
        let Some(layer) = layers.get(name) else {
            found.push(Finding::new(
                "ARCHITECTURE.md",
                format!("{name} is no crate"),
            ));
            continue;
        };
        if named.contains(&name.to_owned()) {
            found.push(Finding::new(
                "ARCHITECTURE.md",
                format!("{name} is named twice"),
            ));
        }
        named.push(name.to_owned());
        let own = layer.layer.unwrap_or(u8::MAX);
        if own < last {
            found.push(Finding::new(
                "ARCHITECTURE.md",
                format!("{name} stands behind a higher layer"),
            ));
        }
        last = own;
    }
    for name in layers.keys().filter(|name| !named.contains(name)) {
        found.push(Finding::new(
            "ARCHITECTURE.md",
            format!("crate {name} is not described"),
        ));
    }
    Ok(found)
}

/// Every external crate has a line in docs/dependencies.md.
fn external(root: &Path) -> Result<Vec<Finding>> {
    let text = std::fs::read_to_string(root.join("docs/dependencies.md"))?;
    let rows: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next())
        .collect();
    let listed: Vec<&str> = rows
        .iter()
        .flat_map(|row| row.split([',', ' ', '(', ')']))
        .collect();
    let mut found = Vec::new();
    for name in read(root)?.keys() {
        let manifest = manifest(root, name)?;
        for section in ["dependencies", "dev-dependencies"] {
            for dependency in dependencies(&manifest, section) {
                if !dependency.starts_with("mainstem-") && !listed.contains(&dependency.as_str()) {
                    let what = format!(
                        "{dependency} (of {name}) has no line: why it is there, and instead of what"
                    );
                    found.push(Finding::new("docs/dependencies.md", what));
                }
            }
        }
    }
    Ok(found)
}

/// Paths in backticks that look like ours must exist.
pub(super) fn paths(document: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for quoted in line.split('`').skip(1).step_by(2) {
            let path = quoted.split(['<', '*', '{']).next().unwrap_or(quoted);
            let is_ours = ["crates/", "docs/", "interop/", "examples/", ".ci/"]
                .iter()
                .any(|folder| path.starts_with(folder));
            if is_ours && !path.contains(' ') && !exists(path) {
                found.push(Finding::new(
                    format!("{document}:{number}"),
                    format!("{path} does not exist"),
                ));
            }
        }
    }
    found
}
