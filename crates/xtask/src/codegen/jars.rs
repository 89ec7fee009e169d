//! Apache Kafka's jars from Maven, kept in the user's cache directory.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The one place that says which Apache Kafka we are compared with.
pub const KAFKA_VERSION: &str = "4.4.0";

/// What is fetched: broker, tools and clients, and a silent logger so that tools print only what they are asked for.
const ARTIFACTS: &[(&str, &str, &str)] = &[
    ("org.apache.kafka", "kafka_2.13", KAFKA_VERSION),
    ("org.apache.kafka", "kafka-tools", KAFKA_VERSION),
    ("org.slf4j", "slf4j-nop", "1.7.36"),
];

/// A logger that writes to standard error.
const LOGGER: (&str, &str, &str) = ("org.slf4j", "slf4j-simple", "1.7.36");

/// Our folder in the user's cache directory.
pub fn cache_dir() -> Result<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set")?;
    let directory = base.join("mainstem");
    std::fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// The folder with Apache Kafka's jars; fetches them the first time.
pub fn fetch() -> Result<PathBuf> {
    fetch_into(&format!("kafka-{KAFKA_VERSION}"), ARTIFACTS)
}

/// The jar of the logger that tells what a broker has to say, beside which [`ARTIFACTS`]' silent one must not stand.
pub fn fetch_logger() -> Result<PathBuf> {
    let (_, artifact, version) = LOGGER;
    let folder = fetch_into(&format!("{artifact}-{version}"), &[LOGGER])?;
    Ok(folder.join(format!("{artifact}-{version}.jar")))
}

fn fetch_into(name: &str, artifacts: &[(&str, &str, &str)]) -> Result<PathBuf> {
    let directory = cache_dir()?.join(name);
    let complete = directory.join("complete");
    let libs = directory.join("libs");
    if complete.exists() {
        return Ok(libs);
    }
    std::fs::create_dir_all(&directory)?;
    let dependencies: String = artifacts
        .iter()
        .map(|(group, artifact, version)| {
            format!(
                "<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>\
                 <version>{version}</version></dependency>"
            )
        })
        .collect();
    let pom = format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
         <groupId>mainstem</groupId><artifactId>judges</artifactId><version>1</version>\
         <dependencies>{dependencies}</dependencies></project>"
    );
    std::fs::write(directory.join("pom.xml"), pom)?;
    let status = Command::new("mvn")
        .args(["-q", "-B", "dependency:copy-dependencies"])
        .arg(format!("-DoutputDirectory={}", libs.display()))
        .current_dir(&directory)
        .status()
        .context("mvn did not start; is Maven installed?")?;
    if !status.success() {
        bail!("Maven could not fetch {name}");
    }
    std::fs::write(complete, "")?;
    Ok(libs)
}
