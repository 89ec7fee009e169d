//! `cargo xtask interop swap`: one directory and one file of properties, two systems, one after the other.
//!
//! `interop/swap/Swap.java` fills a system, writes down what it serves, and says `SWAP`; the system is stopped cleanly, the other one is
//! started on its directory, and must serve the same. Both ways, with two swaps each; before them, Kafka starts on a directory that
//! `mainstem storage format` made. What a system says while it starts and runs is
//! judged too: nothing may be recovered after a clean stop, and nothing may be wrong.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::PROGRAM;
use super::deadline::Deadline;
use super::dump;
use super::programs::{Program, class_path, must};
use super::systems::{LOG, Profile, Settings, System, TempDir, Which};

/// What the program checks at least, in lines: the seed, two swaps, what goes on after each, and what only Kafka serves.
const CHECKS_MIN: usize = 5;

/// Kafka says this of every partition that is added to a topic.
const EXPECTED: &str = "to exist, but it was missing. Creating...";

/// The snapshot of a new cluster.
const FORMATTED: &str = "00000000000000000000-0000000000.checkpoint";

/// Small internal topics, snapshots of metadata after a moment instead of an hour, and a cleaner that does not wait.
const PROPERTIES: &[(&str, &str)] = &[
    ("offsets.topic.num.partitions", "5"),
    ("transaction.state.log.num.partitions", "3"),
    ("share.coordinator.state.topic.num.partitions", "3"),
    ("share.coordinator.state.topic.replication.factor", "1"),
    ("share.coordinator.state.topic.min.isr", "1"),
    ("group.initial.rebalance.delay.ms", "0"),
    ("log.cleaner.backoff.ms", "300"),
    ("metadata.log.max.snapshot.interval.ms", "300"),
    ("metadata.log.segment.ms", "1000"),
];

/// Both ways.
pub fn run(profile: Profile) -> Result<()> {
    println!("swap, on a directory that Mainstem formatted");
    formatted(profile).context("swap, on a directory that Mainstem formatted")?;
    println!("Apache Kafka takes a directory that Mainstem formatted, and Mainstem takes it back");
    for first in [Which::Mainstem, Which::Kafka] {
        println!("swap, {first:?} first");
        let checks = swap(first, profile).with_context(|| format!("swap, {first:?} first"))?;
        println!(
            "{checks} checks hold, {first:?} first: each system goes on where the other stopped"
        );
    }
    Ok(())
}

fn settings(first: Which, profile: Profile) -> Settings {
    let properties = PROPERTIES.iter();
    let properties = properties.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Settings {
        properties: properties.collect(),
        exchangeable: true,
        // Who formats decides; each way has its own.
        logged_voters: first == Which::Kafka,
        // All that Kafka begins with.
        features: &[],
        ..Settings::of(profile)
    }
}

/// `mainstem storage format` in the place of Kafka's StorageTool: Kafka starts on what it made, and serves.
fn formatted(profile: Profile) -> Result<()> {
    let dir = TempDir::new("formatted")?;
    let settings = settings(Which::Mainstem, profile);
    let mut system = System::start_on_formatted(dir.path().to_owned(), settings)?;
    let bootstrap = system.bootstrap();
    let make = ["--create", "--topic", "orders", "--bootstrap-server"];
    let mut topics = Command::new("java");
    topics.args(["-cp", &class_path()?, "org.apache.kafka.tools.TopicCommand"]);
    must(topics.args(make).arg(&bootstrap))?;
    system.terminate()?;
    listen(system.which(), dir.path(), true)?;
    dump::read_everything(&dir.path().join("data"), false)?;
    system.exchange()?;
    system.terminate()?;
    listen(system.which(), dir.path(), false)?;
    let topic = dir.path().join("data/orders-0");
    if !topic.exists() {
        bail!("{} is not there", topic.display());
    }
    Ok(())
}

fn swap(first: Which, profile: Profile) -> Result<usize> {
    let dir = TempDir::new("swap")?;
    let mut system = System::start(first, dir.path().to_owned(), settings(first, profile))?;
    let checks = converse(first, &mut system, dir.path())?;
    system.terminate()?;
    listen(system.which(), dir.path(), false)?;
    let data = dir.path().join("data");
    let files = dump::read_everything(&data, system.which() == Which::Mainstem)?;
    println!("  DumpLogSegments read {files} files of both, without complaint");
    Ok(checks)
}

/// Runs the program; exchanges the systems when it asks for that. Returns how much it checked.
fn converse(first: Which, system: &mut System, dir: &Path) -> Result<usize> {
    let name = match first {
        Which::Mainstem => "mainstem",
        Which::Kafka => "kafka",
    };
    let mut child = Program::Swap
        .command(&system.bootstrap())?
        .arg(name)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("the program did not start")?;
    let deadline = Deadline::of(&child, PROGRAM);
    let mut input = child.stdin.take().context("it has a standard input")?;
    let output = child.stdout.take().context("it has a standard output")?;
    let (mut checks, mut swaps) = (0, 0);
    let mut snapshot = FORMATTED.to_owned();
    for line in BufReader::new(output).lines() {
        let line = line?;
        if line == "SWAP" {
            system.terminate()?;
            listen(system.which(), dir, swaps == 0)?;
            let found = latest_snapshot(dir)?;
            if found <= snapshot {
                bail!("{:?} left no snapshot of its metadata", system.which());
            }
            snapshot = found;
            system.exchange()?;
            swaps += 1;
            input.write_all(b"\n")?;
        } else {
            println!("  {line}");
            checks += usize::from(line.starts_with("CHECK "));
        }
    }
    let status = child.wait()?;
    if deadline.passed() {
        bail!(
            "the program was killed: it took more than {} s",
            PROGRAM.as_secs()
        );
    }
    if !status.success() {
        bail!("the program failed: {status}");
    }
    if swaps != 2 || checks < CHECKS_MIN {
        bail!("the program checked too little: {checks} lines, {swaps} swaps");
    }
    Ok(checks)
}

/// The name of the latest snapshot of the metadata; a later one has a greater name.
fn latest_snapshot(dir: &Path) -> Result<String> {
    let mut latest = String::new();
    for entry in std::fs::read_dir(dir.join("data/__cluster_metadata-0"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".checkpoint") && name > latest {
            latest = name;
        }
    }
    Ok(latest)
}

/// Judges what a system said from its start to its stop, and takes it away.
fn listen(which: Which, dir: &Path, directory_was_new: bool) -> Result<()> {
    let path = dir.join(LOG);
    let said = std::fs::read_to_string(&path)?;
    let complaint = said.lines().find(|line| is_complaint(which, line));
    if let Some(line) = complaint {
        bail!("{which:?} complains: {line}");
    }
    let trusted = said.contains("since clean shutdown file was found");
    if which == Which::Kafka && !directory_was_new && !trusted {
        bail!("Kafka did not find that the directory was left cleanly");
    }
    Ok(std::fs::remove_file(path)?)
}

fn is_complaint(which: Which, line: &str) -> bool {
    let wrong = line.contains(" ERROR ") && !line.contains(EXPECTED);
    let words: &[&str] = match which {
        Which::Mainstem => &[" WARN ", "repaired", "put aside"],
        Which::Kafka => &["orrupt", "tray"],
    };
    // Its own log Kafka recovers at every start.
    let recovers = which == Which::Kafka
        && line.contains("Recovering")
        && !line.contains("__cluster_metadata");
    wrong || recovers || words.iter().any(|word| line.contains(word))
}
