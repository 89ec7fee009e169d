//! `mainstem server`: starts a node, says what runs and what was found, and stops it cleanly.

use std::io::Write;
use std::path::{Path, PathBuf};

use mainstem_broker::{
    ConfigError, Durability, NodeConfig, Properties, PropertyError, RunningNode, StartReport,
};
use tokio::signal::unix::{SignalKind, signal};

use crate::address::{check_host, host_and_port};
use crate::advice::in_unit_of;
use crate::cli::{LogFormat, ServerOptions};
use crate::failure::Failure;
use crate::output::thousands;

const DATA_DIR: &str = "./mainstem-data";

pub(crate) fn run(options: &ServerOptions) -> Result<(), Failure> {
    logging(options.log_format);
    let config = configure(options)?;
    let durability = config.properties.durability();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Before the node starts: a signal that comes between its start and ours of listening for them would be lost.
    let mut signals = runtime.block_on(async { Signals::begin() })?;
    let node = mainstem_broker::start(config)?;
    banner(&node, durability)?;
    runtime.block_on(signals.next());
    eprintln!("stopping (once more stops at once) …");
    std::thread::spawn(move || {
        runtime.block_on(async move {
            signals.next().await;
            eprintln!("stopped at once; the next start checks what was written last");
            std::process::exit(130);
        });
    });
    node.stop()?;
    eprintln!("stopped cleanly");
    Ok(())
}

fn logging(format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("MAINSTEM_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder.with_target(false).init(),
        LogFormat::Json => builder.json().init(),
    }
}

/// The first plain listener of a `listeners` value: `PLAINTEXT://host:port`. A controller's listener is passed over: there is no
/// quorum to reach yet.
fn plain_listener(value: &str) -> Option<&str> {
    value
        .split(',')
        .map(str::trim)
        .find_map(|listener| listener.strip_prefix("PLAINTEXT://"))
}

/// Reads properties: those of a file, and those that win over it.
pub(super) fn read_properties(
    file: Option<&Path>,
    options: &[String],
) -> Result<Properties, Failure> {
    let mut properties = Properties::default();
    let refuse = |error: PropertyError| Failure::usage(error.to_string(), hint(&error));
    if let Some(file) = file {
        let text = std::fs::read_to_string(file).map_err(|error| {
            Failure::usage(
                format!("{}: {error}", file.display()),
                "name a properties file: --config FILE",
            )
        })?;
        properties
            .read(&file.display().to_string(), &text)
            .map_err(refuse)?;
    }
    for option in options {
        properties.set(option).map_err(refuse)?;
    }
    properties.check_together().map_err(refuse)?;
    Ok(properties)
}

/// Where everything is kept: as said, else the first directory of the properties.
pub(super) fn data_dir(given: Option<&Path>, properties: &Properties) -> PathBuf {
    let named = properties
        .given("log.dirs")
        .or_else(|| properties.given("log.dir"));
    let first = named
        .and_then(|dirs| dirs.split(',').next())
        .map(|dir| PathBuf::from(dir.trim()));
    given
        .map(Path::to_owned)
        .or(first)
        .unwrap_or_else(|| PathBuf::from(DATA_DIR))
}

fn configure(options: &ServerOptions) -> Result<NodeConfig, Failure> {
    let properties = read_properties(options.config.as_deref(), &options.options)?;
    let listener = match (&options.listen, properties.given("listeners")) {
        (Some(listen), _) => listen.clone(),
        (None, Some(listeners)) => plain_listener(listeners)
            .ok_or_else(|| {
                Failure::usage(
                    format!("listeners = {listeners:?} has no PLAINTEXT:// listener"),
                    "only plain listeners are served yet",
                )
            })?
            .to_owned(),
        (None, None) => "127.0.0.1:9092".to_owned(),
    };
    let (host, port) = host_and_port(&listener)?;
    check_host(&host, port)?;
    let advertised = match properties
        .given("advertised.listeners")
        .and_then(plain_listener)
    {
        Some(listener) => Some(host_and_port(listener)?),
        None => None,
    };
    let data_dir = data_dir(options.data_dir.as_deref(), &properties);
    Ok(NodeConfig {
        disk: None,
        data_dir,
        host,
        port,
        advertised,
        http: Some(options.http),
        properties,
    })
}

/// What to do about a wrong property.
fn hint(error: &PropertyError) -> String {
    match error {
        PropertyError::Syntax { .. } => {
            "properties have Kafka's names: name=value, one a line".to_owned()
        }
        PropertyError::Unserved { name, .. } => {
            format!("leave it out if that will do; mainstem config docs {name} says more")
        }
        PropertyError::Value { cause, .. } => allowed(cause),
    }
}

/// What a property may be; values in other units are worked out.
fn allowed(cause: &ConfigError) -> String {
    let (name, value) = match cause {
        ConfigError::Type { name, value, .. }
        | ConfigError::Range { name, value, .. }
        | ConfigError::GzipLevel { name, value }
        | ConfigError::Rule { name, value, .. }
        | ConfigError::Replicas { name, value } => (name, value.as_str()),
        ConfigError::Choice { name, choices, .. } => {
            let first = choices.split(',').next().unwrap_or_default();
            return format!("choose one of {choices}: for example -o {name}={first}");
        }
        ConfigError::Unknown { name }
        | ConfigError::Empty { name }
        | ConfigError::Twice { name } => (name, ""),
    };
    in_unit_of(name, value)
        .unwrap_or_else(|| format!("see what it may be: mainstem config docs {name}"))
}

/// Says what runs, what was found, and what to try.
fn banner(node: &RunningNode, durability: Durability) -> Result<(), Failure> {
    let report = &node.report;
    let mut out = std::io::stderr().lock();
    writeln!(
        out,
        "mainstem {} · node {} · cluster {} · data {} ({})",
        env!("CARGO_PKG_VERSION"),
        report.node_id,
        report.cluster_id,
        report.data_dir.display(),
        found(report)
    )?;
    writeln!(
        out,
        "  kafka      {:<24} any Kafka client, no changes",
        node.kafka_address
    )?;
    if let Some(http) = node.http_address {
        writeln!(out, "  health     http://{http}/readyz")?;
        writeln!(out, "  metrics    http://{http}/metrics")?;
    }
    for repair in &report.repairs {
        writeln!(
            out,
            "  repaired   {}: {} bytes cut at offset {} ({})",
            repair
                .dir
                .file_name()
                .map(|name| name.to_string_lossy())
                .unwrap_or_default(),
            thousands(i64::try_from(repair.cut_bytes).unwrap_or(i64::MAX)),
            thousands(repair.at_offset),
            repair.what
        )?;
    }
    for warning in &report.warnings {
        writeln!(out, "  WARNING    {warning}")?;
    }
    let promise = match durability {
        Durability::Disk => "acks=all means on disk",
        Durability::PageCache => "acks=all means in the page cache",
    };
    let reach = if node.kafka_address.ip().is_loopback() {
        " · loopback only, no login needed"
    } else {
        ""
    };
    writeln!(
        out,
        "ready in {} ms · {promise}{reach}",
        report.took.as_millis().max(1)
    )?;
    if report.is_new {
        writeln!(
            out,
            "try:  echo hello | mainstem produce greetings   ·   mainstem consume greetings --from-beginning"
        )?;
    }
    Ok(())
}

fn found(report: &StartReport) -> String {
    if report.is_new {
        return "new".to_owned();
    }
    let stop = if report.was_clean {
        "clean stop"
    } else {
        "unclean stop, checked"
    };
    let topics = if report.topics == 1 {
        "1 topic".to_owned()
    } else {
        format!("{} topics", report.topics)
    };
    format!("{topics}, {}, {stop}", indicatif::HumanBytes(report.bytes))
}

/// Ctrl-C and SIGTERM.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// Catches them from now on.
    fn begin() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
