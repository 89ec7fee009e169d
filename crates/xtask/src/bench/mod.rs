//! `cargo xtask bench beside`: Mainstem and Apache Kafka by turns in one run, several rounds, and a table of medians, spreads and ratios.
//!
//! What counts is the CPU time of the *node's process*: on shared cores it repeats within a tenth, while times on the clock do not. Each
//! round gives every contender a new directory and the same work in the same order. See `docs/performance.md` for how to read it.

mod apache;
mod lean;
mod process;
mod report;
mod wire;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::interop::{Profile, Settings, System, TempDir, Which, binary, must};
use report::Report;

/// Options of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub struct Options {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Debug, clap::Subcommand)]
enum Bench {
    /// Mainstem beside Apache Kafka.
    Beside(Beside),
}

/// Options of `cargo xtask bench beside`.
#[derive(Debug, Clone, clap::Args)]
struct Beside {
    /// How often each contender has its turn.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Share of the work, to try things out.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Only these contenders.
    #[arg(long = "only")]
    only: Vec<String>,
    /// Leave out Apache's load tools.
    #[arg(long)]
    lean: bool,
}

/// Who is measured.
#[derive(Debug, Clone, Copy)]
struct Contender {
    name: &'static str,
    which: Which,
    properties: &'static [(&'static str, &'static str)],
    /// Properties of topics on which every append is on disk before it is answered; `None` when the contender is there to show the
    /// other way.
    durable: Option<&'static [&'static str]>,
}

const CONTENDERS: &[Contender] = &[
    Contender {
        name: "mainstem",
        which: Which::Mainstem,
        properties: &[],
        durable: Some(&[]),
    },
    Contender {
        name: "mainstem page-cache",
        which: Which::Mainstem,
        properties: &[("durability", "page-cache")],
        durable: None,
    },
    Contender {
        name: "kafka",
        which: Which::Kafka,
        properties: &[],
        durable: Some(&["flush.messages=1"]),
    },
];

/// How long a node is left alone to see what it uses.
const IDLE: Duration = Duration::from_secs(5);

/// Measures.
pub fn run(options: &Options) -> Result<()> {
    let Bench::Beside(beside) = &options.bench;
    binary(Profile::Release)?;
    let contenders: Vec<Contender> = CONTENDERS
        .iter()
        .filter(|contender| {
            beside.only.is_empty() || beside.only.iter().any(|only| only == contender.name)
        })
        .copied()
        .collect();
    let names: Vec<&'static str> = contenders.iter().map(|contender| contender.name).collect();
    let mut report = Report::default();
    for round in 0..beside.rounds {
        for contender in &contenders {
            eprintln!(
                "round {} of {}: {}",
                round + 1,
                beside.rounds,
                contender.name
            );
            turn(*contender, beside, &mut report)?;
        }
        println!("{}", report.table(&names));
    }
    Ok(())
}

/// A node that is measured.
struct Measured {
    name: &'static str,
    system: System,
}

impl Measured {
    fn create(&self, topic: &str, partitions: i32, configs: &[&str]) -> Result<()> {
        let mut command = Command::new(binary(Profile::Release)?);
        command
            .args(["--bootstrap", &self.system.bootstrap()])
            .args([
                "topic",
                "create",
                topic,
                "--partitions",
                &partitions.to_string(),
            ]);
        for config in configs {
            command.args(["--set", config]);
        }
        must(command.stdout(Stdio::null()))
    }

    fn delete(&self, topic: &str) -> Result<()> {
        let mut command = Command::new(binary(Profile::Release)?);
        command
            .args(["--bootstrap", &self.system.bootstrap()])
            .args(["topic", "delete", topic, "--yes"]);
        must(command.stdout(Stdio::null()))
    }

    fn cpu_seconds<R>(&self, work: impl FnOnce() -> Result<R>) -> Result<(f64, R)> {
        let process = self.system.process();
        let before = process::cpu_time(process)?;
        let result = work()?;
        let used = process::cpu_time(process)?.saturating_sub(before);
        Ok((used.as_secs_f64(), result))
    }
}

fn turn(contender: Contender, beside: &Beside, report: &mut Report) -> Result<()> {
    let dir = TempDir::new("bench")?;
    let mut settings = Settings::of(Profile::Release);
    settings.heap = &["-Xms1g", "-Xmx1g", "-XX:+UseG1GC"];
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    settings.properties = contender.properties.iter().map(owned).collect();
    let mut system = System::start(contender.which, dir.path().to_owned(), settings)?;
    // The start of a directory that is there: formatting is not part of it.
    let began = Instant::now();
    system.restart()?;
    let ready = began.elapsed().as_secs_f64() * 1000.0;
    let name = contender.name;
    report.note("time to ready, ms", name, ready);
    let node = Measured { name, system };
    rest(&node, report, "fresh")?;
    large(&node, beside, report)?;
    small(&node, beside, report)?;
    single(&node, beside, report)?;
    if let Some(configs) = contender.durable {
        durable(&node, configs, beside, report)?;
    }
    rest(&node, report, "after the load")?;
    node.system.stop()
}

/// Memory and CPU of a node that has nothing to do.
fn rest(node: &Measured, report: &mut Report, when: &str) -> Result<()> {
    let (cpu, ()) = node.cpu_seconds(|| {
        std::thread::sleep(IDLE);
        Ok(())
    })?;
    let percent = cpu / IDLE.as_secs_f64() * 100.0;
    report.note(&format!("idle {when}, % of a core"), node.name, percent);
    let memory = process::resident_mib(node.system.process())?;
    report.note(&format!("idle {when}, MiB resident"), node.name, memory);
    Ok(())
}

fn scaled(count: usize, beside: &Beside) -> usize {
    // Figures of a bench; a fraction of a request does not matter.
    ((count as f64 * beside.scale) as usize).max(1000)
}

const GIGA: f64 = 1e9;

/// What work cost, by the bytes and by the records.
fn note_cost(
    report: &mut Report,
    node: &Measured,
    what: &str,
    cpu: f64,
    (records, bytes): (f64, f64),
) {
    let per_gigabyte = cpu / (bytes / GIGA);
    report.note(&format!("{what}, CPU-s/GB"), node.name, per_gigabyte);
    let per_million = cpu / (records / 1e6);
    report.note(
        &format!("{what}, CPU-s per million"),
        node.name,
        per_million,
    );
}

/// Apache's tools: produces records, and consumes them.
fn with_apaches_tools(
    node: &Measured,
    report: &mut Report,
    what: &str,
    load: apache::Load<'_>,
) -> Result<()> {
    node.create(load.topic, 12, &[])?;
    let records = load.records as f64;
    let all = (records, records * load.record_bytes as f64);
    let (cpu, ()) = node.cpu_seconds(|| apache::produce(load))?;
    note_cost(
        report,
        node,
        &format!("{what} in (ProducerPerformance)"),
        cpu,
        all,
    );
    let (cpu, ()) = node.cpu_seconds(|| apache::consume(load))?;
    note_cost(
        report,
        node,
        &format!("{what} out (ConsumerPerformance)"),
        cpu,
        all,
    );
    node.delete(load.topic)
}

/// Records of 1 KB in large batches.
fn large(node: &Measured, beside: &Beside, report: &mut Report) -> Result<()> {
    let bootstrap = node.system.bootstrap();
    if !beside.lean {
        let load = apache::Load {
            bootstrap: &bootstrap,
            topic: "large",
            records: scaled(1_000_000, beside),
            record_bytes: 1000,
            producer: &["batch.size=131072", "linger.ms=10"],
        };
        with_apaches_tools(node, report, "1 KB records, 128 KiB batches", load)?;
    }
    let requests = scaled(8_000, beside);
    let load = lean::Load {
        bootstrap: &bootstrap,
        topic: "lean-large",
        partitions: 12,
        connections: 4,
        in_flight: 5,
        requests,
        records_per_batch: 128,
        value_bytes: 1000,
    };
    node.create("lean-large", 12, &[])?;
    lean::wait_until_led(load)?;
    lean::produce(lean::Load {
        requests: requests / 8,
        ..load
    })?;
    let (cpu, outcome) = node.cpu_seconds(|| lean::produce(load))?;
    let gigabytes = outcome.bytes as f64 / GIGA;
    report.note(
        "128 batches of 1 KB records in (lean), CPU-s/GB",
        node.name,
        cpu / gigabytes,
    );
    report.note_rate(
        "the same, MB/s on the clock",
        node.name,
        gigabytes * 1000.0 / outcome.seconds,
    );
    let (cpu, outcome) = node.cpu_seconds(|| lean::fetch(load, outcome.bytes))?;
    let gigabytes = outcome.bytes as f64 / GIGA;
    report.note(
        "1 MiB fetches out (lean), CPU-s/GB",
        node.name,
        cpu / gigabytes,
    );
    report.note_rate(
        "the same out, MB/s on the clock",
        node.name,
        gigabytes * 1000.0 / outcome.seconds,
    );
    node.delete("lean-large")
}

/// Records of 100 bytes, batched as the client does it by itself.
fn small(node: &Measured, beside: &Beside, report: &mut Report) -> Result<()> {
    if beside.lean {
        return Ok(());
    }
    let bootstrap = node.system.bootstrap();
    let load = apache::Load {
        bootstrap: &bootstrap,
        topic: "small",
        records: scaled(3_000_000, beside),
        record_bytes: 100,
        producer: &[],
    };
    with_apaches_tools(node, report, "100 B records", load)
}

/// One record of 100 bytes in a batch.
fn single(node: &Measured, beside: &Beside, report: &mut Report) -> Result<()> {
    let bootstrap = node.system.bootstrap();
    let load = lean::Load {
        bootstrap: &bootstrap,
        topic: "single",
        partitions: 12,
        connections: 12,
        in_flight: 5,
        requests: scaled(120_000, beside),
        records_per_batch: 1,
        value_bytes: 100,
    };
    node.create("single", 12, &[])?;
    lean::wait_until_led(load)?;
    lean::produce(lean::Load {
        requests: load.requests / 8,
        ..load
    })?;
    let (cpu, outcome) = node.cpu_seconds(|| lean::produce(load))?;
    let records = outcome.latencies.len() as f64;
    report.note(
        "one 100 B record per batch (lean), CPU-s per million",
        node.name,
        cpu / (records / 1e6),
    );
    report.note_rate(
        "the same, records/s on the clock",
        node.name,
        records / outcome.seconds,
    );
    node.delete("single")
}

/// Appends that are on disk before they are answered: where a contender does not do so by itself, its topics tell it to.
fn durable(node: &Measured, configs: &[&str], beside: &Beside, report: &mut Report) -> Result<()> {
    let bootstrap = node.system.bootstrap();
    for partitions in [1, 100] {
        let topic = format!("durable-{partitions}");
        node.create(&topic, partitions, configs)?;
        let load = lean::Load {
            bootstrap: &bootstrap,
            topic: &topic,
            partitions,
            connections: 16,
            in_flight: 1,
            requests: scaled(8_000, beside),
            records_per_batch: 1,
            value_bytes: 1000,
        };
        lean::wait_until_led(load)?;
        lean::produce(lean::Load {
            requests: 800,
            ..load
        })?;
        let (cpu, outcome) = node.cpu_seconds(|| lean::produce(load))?;
        let appends = outcome.latencies.len() as f64;
        let what = format!("durable appends, {partitions} partitions");
        report.note_rate(
            &format!("{what}, per second"),
            node.name,
            appends / outcome.seconds,
        );
        report.note(
            &format!("{what}, CPU-ms each"),
            node.name,
            cpu * 1000.0 / appends,
        );
        let mut latencies = outcome.latencies;
        latencies.sort();
        if let Some(p99) = latencies.get(latencies.len() * 99 / 100) {
            report.note(
                &format!("{what}, p99 ms"),
                node.name,
                p99.as_secs_f64() * 1000.0,
            );
        }
        node.delete(&topic)?;
    }
    Ok(())
}
