//! Lets Apache Kafka's own code judge what our codec writes: `cargo xtask codegen --oracle`.
//!
//! The claims come from a test of the protocol crate, since this crate knows none of the product's; the judge is a Java program
//! that runs from source against Apache's jars.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::jars::cache_dir;

/// The test that writes the claims.
const TEST: &str = "judge::claims_for_apache_to_judge_are_written";
/// The judge, from the root of the workspace.
const JUDGE: &str = "interop/java-oracle/CodecOracle.java";

/// Writes claims about every message and has them judged.
pub fn run(root: &Path, libs: &Path) -> Result<()> {
    let claims = cache_dir()?.join("codec-claims.txt");
    let status = Command::new("cargo")
        .args([
            "test",
            "-q",
            "-p",
            "mainstem-protocol",
            "--test",
            "it",
            "--",
            "--exact",
            TEST,
        ])
        .env("MAINSTEM_CODEC_CLAIMS", &claims)
        .current_dir(root)
        .status()
        .context("cargo did not start")?;
    if !status.success() {
        bail!("{TEST} failed, so there is nothing to judge");
    }
    let status = Command::new("java")
        .arg("-cp")
        .arg(libs.join("*"))
        .arg(root.join(JUDGE))
        .arg(&claims)
        .status()
        .context("java did not start; is a JDK installed?")?;
    if !status.success() {
        bail!("Apache Kafka's code does not agree with ours, see above");
    }
    Ok(())
}
