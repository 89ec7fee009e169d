//! `layers.toml`: which crate may use which, and which words a core must not know.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Finding, sources};

/// A crate in `layers.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Layer {
    /// Its layer; arrows only go down. Tools stand outside and have none.
    pub(super) layer: Option<u8>,
    /// Our crates that it may use.
    #[serde(default)]
    uses: Vec<String>,
    /// Words that its product code must not contain.
    #[serde(default)]
    banned: Vec<String>,
}

/// All crates, by their folder.
pub(super) fn read(root: &Path) -> Result<BTreeMap<String, Layer>> {
    let text = std::fs::read_to_string(root.join("layers.toml")).context("layers.toml")?;
    toml::from_str(&text).context("layers.toml")
}

/// The names in a section of a manifest.
pub(super) fn dependencies(manifest: &toml::Table, section: &str) -> Vec<String> {
    let table = manifest.get(section).and_then(toml::Value::as_table);
    table
        .into_iter()
        .flat_map(|table| table.keys().cloned())
        .collect()
}

/// The manifest of a crate.
pub(super) fn manifest(root: &Path, name: &str) -> Result<toml::Table> {
    let path = root.join("crates").join(name).join("Cargo.toml");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    text.parse().with_context(|| path.display().to_string())
}

pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let layers = read(root)?;
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root.join("crates"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !layers.contains_key(&name) {
            found.push(Finding::new(
                "layers.toml",
                format!("crate {name} has no layer"),
            ));
        }
    }
    for (name, layer) in &layers {
        let place = format!("crates/{name}/Cargo.toml");
        for dependency in dependencies(&manifest(root, name)?, "dependencies") {
            let Some(ours) = dependency.strip_prefix("mainstem-") else {
                continue;
            };
            if !layer.uses.iter().any(|allowed| allowed == ours) {
                found.push(Finding::new(
                    place.clone(),
                    format!("must not use {ours} (layers.toml)"),
                ));
            }
            let below = layers.get(ours).and_then(|other| other.layer);
            if layer
                .layer
                .is_none_or(|own| below.is_none_or(|below| below >= own))
            {
                found.push(Finding::new(
                    place.clone(),
                    format!("{ours} is not below {name}: arrows only go down"),
                ));
            }
        }
        found.extend(words(root, name, layer)?);
    }
    Ok(found)
}

fn words(root: &Path, name: &str, layer: &Layer) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    let prefix = format!("crates/{name}/src/");
    for path in sources(root)? {
        let shown = path.to_string_lossy().into_owned();
        if !shown.starts_with(&prefix) || shown.ends_with("tests.rs") {
            continue;
        }
        let source = std::fs::read_to_string(root.join(&path))?;
        found.extend(banned(&shown, &source, &layer.banned));
    }
    Ok(found)
}

/// Lines of code that contain a banned word; comments may speak of it.
pub(super) fn banned(path: &str, source: &str, banned: &[String]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(source.lines()) {
        let code = line.split("//").next().unwrap_or_default();
        for word in banned {
            if code.contains(word.as_str()) {
                let what = format!(
                    "{word} is not for this crate: take what it gives as an argument (layers.toml)"
                );
                found.push(Finding::new(format!("{path}:{number}"), what));
            }
        }
    }
    found
}
