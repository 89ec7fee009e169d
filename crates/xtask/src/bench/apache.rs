//! Apache's own load tools: ProducerPerformance and ConsumerPerformance.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::interop::class_path;

/// A load of Apache's tools.
#[derive(Debug, Clone, Copy)]
pub struct Load<'a> {
    pub bootstrap: &'a str,
    pub topic: &'a str,
    pub records: usize,
    pub record_bytes: usize,
    /// Beside acks = all: what the producer is told.
    pub producer: &'a [&'a str],
}

fn run(class: &str, arguments: &[String]) -> Result<()> {
    let output = Command::new("java")
        .args(["-Xmx512m", "-cp", &class_path()?, class])
        .args(arguments)
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        bail!("{class} failed: {}\n{out}\n{err}", output.status);
    }
    Ok(())
}

/// Produces.
pub fn produce(load: Load<'_>) -> Result<()> {
    let mut arguments: Vec<String> = vec![
        "--topic".into(),
        load.topic.into(),
        "--num-records".into(),
        load.records.to_string(),
        "--record-size".into(),
        load.record_bytes.to_string(),
        "--throughput".into(),
        "-1".into(),
    ];
    let bootstrap = format!("bootstrap.servers={}", load.bootstrap);
    // One option with many values: a second one would replace the first.
    arguments.extend([
        "--command-property".to_owned(),
        bootstrap,
        "acks=all".to_owned(),
    ]);
    arguments.extend(load.producer.iter().map(|property| (*property).to_owned()));
    run("org.apache.kafka.tools.ProducerPerformance", &arguments)
}

/// Reads all of it.
pub fn consume(load: Load<'_>) -> Result<()> {
    let arguments = [
        "--bootstrap-server",
        load.bootstrap,
        "--topic",
        load.topic,
        "--num-records",
        &load.records.to_string(),
        "--timeout",
        "60000",
    ]
    .map(str::to_owned);
    run("org.apache.kafka.tools.ConsumerPerformance", &arguments)
}
