//! `cargo xtask tidy`: the rules of the code that neither rustc nor clippy checks. It also runs as a test.
//!
//! | rule | |
//! |---|---|
//! | head | every file begins with `//!` |
//! | length | a file has at most 800 lines, tables and generated code excepted by directory |
//! | names | no file is called utils, common, helpers, impls, misc, types |
//! | words | no unfinished marks, no switched-off tests, no allowance without its reason |
//! | layers | crates depend downwards only, and cores know no clock, file, thread or chance |
//! | dependencies | every external crate has its line in `docs/dependencies.md` |
//! | map | `ARCHITECTURE.md` has every crate once, in the order of the layers; paths that documents name exist |

mod documents;
mod layers;
mod text;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// File, and line if there is one.
    pub place: String,
    /// What is wrong, and what to do.
    pub what: String,
}

impl Finding {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            what: what.into(),
        }
    }
}

/// Checks all rules; fails with everything that was found.
pub fn run() -> Result<()> {
    let found = check(&crate::root())?;
    for finding in &found {
        eprintln!("{}: {}", finding.place, finding.what);
    }
    if !found.is_empty() {
        bail!("{} broken rules", found.len());
    }
    println!("tidy");
    Ok(())
}

fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for path in sources(root)? {
        let source = std::fs::read_to_string(root.join(&path))?;
        found.extend(text::check(&path.to_string_lossy(), &source));
    }
    found.extend(layers::check(root)?);
    found.extend(documents::check(root)?);
    Ok(found)
}

/// Every Rust file of the crates, from the root.
fn sources(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("crates")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests;
