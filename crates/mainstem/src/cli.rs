//! The grammar of the command line: `mainstem <noun> <verb> [NAME] [--options]`; everyday verbs have no noun.

mod group;
mod help;
mod origins;
mod topic;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCandidates;

use crate::complete;

pub(crate) use group::{GroupCommand, ResetOptions, ResetTarget};
pub(crate) use help::{program, proposed};
pub(crate) use origins::{Origin, parsed};
pub(crate) use topic::TopicCommand;

/// Event streaming in one binary, for every Kafka client.
#[derive(Debug, Parser)]
#[command(
    name = "mainstem",
    version,
    propagate_version = true,
    disable_help_subcommand = true
)]
#[command(before_help = "Examples:
  mainstem server
  echo hello | mainstem produce greetings
  mainstem consume greetings --from-beginning
  mainstem topic create orders --partitions 6")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where a cluster is looked for when nothing is said, and the variable that says something.
pub(crate) const BOOTSTRAP: &str = "127.0.0.1:9092";
pub(crate) const BOOTSTRAP_VARIABLE: &str = "MAINSTEM_BOOTSTRAP";

/// Headings of the options that mean the same everywhere.
const CONNECTION: &str = "Connection";
const GLOBAL: &str = "Global options";

/// Options that mean the same everywhere. [`program`] says which command heeds which.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Brokers to begin with.
    #[arg(
        long,
        global = true,
        env = BOOTSTRAP_VARIABLE,
        default_value = BOOTSTRAP,
        value_name = "HOST:PORT",
        help_heading = CONNECTION
    )]
    pub(crate) bootstrap: String,
    /// One JSON object a line instead of a table.
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) json: bool,
    /// Nothing but the data.
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) quiet: bool,
    /// Answer yes to what would be asked.
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) yes: bool,
    /// How long to wait for an answer; produce tries a record as long.
    #[arg(
        long,
        global = true,
        default_value = "30s",
        value_name = "TIME",
        value_parser = crate::when::duration,
        help_heading = CONNECTION
    )]
    pub(crate) timeout: std::time::Duration,
    /// Say what is being done (to standard error).
    #[arg(long, short, global = true, help_heading = GLOBAL)]
    pub(crate) verbose: bool,
    /// Where each of these comes from; filled by [`parsed`].
    #[arg(skip)]
    pub(crate) origins: Vec<Origin>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a node.
    Server(ServerOptions),
    /// Make, list, describe, change and delete topics.
    #[command(subcommand)]
    Topic(TopicCommand),
    /// Send records from standard input.
    Produce(ProduceOptions),
    /// Print records.
    Consume(ConsumeOptions),
    /// List, describe, reset and delete consumer groups.
    #[command(subcommand)]
    Group(GroupCommand),
    /// List, get, set and unset configuration; look up what properties are for.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Describe the cluster: its id, nodes, controller and features.
    #[command(before_help = "Examples:
  mainstem cluster
  mainstem cluster --bootstrap 127.0.0.1:9092 --json")]
    Cluster,
    /// Format data directories, and say whose they are. Asks no node.
    #[command(subcommand)]
    Storage(StorageCommand),
    /// Look into the files of logs. Asks no node.
    #[command(subcommand)]
    Log(LogCommand),
    /// Write man pages, one for each command.
    #[command(before_help = "Examples:
  mainstem man ~/.local/share/man/man1")]
    Man {
        /// The directory, for example ~/.local/share/man/man1.
        dir: PathBuf,
    },
    /// Print a completion script.
    #[command(before_help = "Examples:
  mainstem completions bash > ~/.local/share/bash-completion/completions/mainstem
  mainstem completions zsh > ~/.zfunc/_mainstem
  mainstem completions fish > ~/.config/fish/completions/mainstem.fish")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:
  mainstem server
  mainstem server --data-dir /var/lib/mainstem --listen 0.0.0.0:9092
  mainstem server --config server.properties -o num.partitions=6")]
pub(crate) struct ServerOptions {
    /// Where everything is kept.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Where Kafka clients connect.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) listen: Option<String>,
    /// Where /healthz, /readyz and /metrics are served.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080", value_parser = crate::address::socket)]
    pub(crate) http: SocketAddr,
    /// A properties file with Kafka's names.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// One property; wins over the file.
    #[arg(short = 'o', value_name = "KEY=VALUE")]
    pub(crate) options: Vec<String>,
    /// How log lines look.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
#[command(before_help = "Examples:
  mainstem config list --topic orders --changed
  mainstem config get --broker 1 log.retention.ms
  mainstem config set --topic orders retention.ms=86400000
  mainstem config unset --brokers log.retention.ms
  mainstem config docs retention.ms")]
pub(crate) enum ConfigCommand {
    /// List values, where they come from, and their defaults.
    List {
        #[command(flatten)]
        target: TargetOptions,
        /// Those alone that are not at their default.
        #[arg(long)]
        changed: bool,
    },
    /// Print one value.
    Get {
        #[command(flatten)]
        target: TargetOptions,
        /// The property.
        #[arg(add = ArgValueCandidates::new(complete::properties))]
        name: String,
    },
    /// Set values.
    Set {
        #[command(flatten)]
        target: TargetOptions,
        /// Properties and their values.
        #[arg(required = true, value_name = "KEY=VALUE", add = ArgValueCandidates::new(complete::assignments))]
        values: Vec<String>,
        /// Only say whether they could be set.
        #[arg(long)]
        dry_run: bool,
    },
    /// Put values back to their defaults.
    Unset {
        #[command(flatten)]
        target: TargetOptions,
        /// The properties.
        #[arg(required = true, value_name = "KEY", add = ArgValueCandidates::new(complete::properties))]
        names: Vec<String>,
        /// Only say whether they could be put back.
        #[arg(long)]
        dry_run: bool,
    },
    /// Say which of the global options stands where, and where it comes from. Asks no node.
    #[command(before_help = "Examples:
  mainstem config where
  mainstem config where --bootstrap 127.0.0.1:9092 --json")]
    Where,
    /// Say what properties are for, and whether they have their effect. Asks no node.
    Docs(DocsOptions),
}

/// Whose configuration is meant.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct TargetOptions {
    /// That of this topic.
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(complete::topics))]
    pub(crate) topic: Option<String>,
    /// That of this broker.
    #[arg(long, value_name = "ID")]
    pub(crate) broker: Option<i32>,
    /// What all brokers take that say nothing else.
    #[arg(long)]
    pub(crate) brokers: bool,
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:
  mainstem config docs retention.ms
  mainstem config docs --topic
  mainstem config docs log.retention --json")]
pub(crate) struct DocsOptions {
    /// A property, or what names begin with; all if not given.
    #[arg(add = ArgValueCandidates::new(complete::properties))]
    pub(crate) name: Option<String>,
    /// Those of topics alone.
    #[arg(long, conflicts_with = "broker")]
    pub(crate) topic: bool,
    /// Those of brokers alone.
    #[arg(long)]
    pub(crate) broker: bool,
    /// The whole page in Markdown.
    #[arg(long, conflicts_with_all = ["name", "topic", "broker"])]
    pub(crate) markdown: bool,
}

#[derive(Debug, Subcommand)]
#[command(before_help = "Examples:
  mainstem storage format --cluster-id $(mainstem storage random-uuid) --data-dir /var/lib/mainstem
  mainstem storage info --config server.properties")]
pub(crate) enum StorageCommand {
    /// Print a random id, as clusters have.
    RandomUuid,
    /// Say whose a data directory is.
    Info(PlaceOptions),
    /// Make a data directory ready for the first start of a node.
    #[command(before_help = "Examples:
  mainstem storage format --data-dir /var/lib/mainstem
  mainstem storage format --cluster-id $(mainstem storage random-uuid) --config server.properties
  mainstem storage format --data-dir /var/lib/mainstem -o node.id=2 --ignore-formatted")]
    Format {
        #[command(flatten)]
        place: PlaceOptions,
        /// Id of the cluster; a random one if not given.
        #[arg(long, short = 't', value_name = "ID")]
        cluster_id: Option<String>,
        /// Leave a directory as it is that is formatted for this cluster and node.
        #[arg(long, short = 'g')]
        ignore_formatted: bool,
        /// The release whose records the cluster writes: 4.4, which is what this build knows.
        #[arg(long, short = 'r', value_name = "RELEASE")]
        release_version: Option<String>,
        /// A feature and its level: metadata.version=33, or any other at 0.
        #[arg(long, short = 'f', value_name = "NAME=LEVEL")]
        feature: Vec<String>,
        /// A node that is its own quorum, which every node is so far.
        #[arg(long, short = 's')]
        standalone: bool,
    },
}

/// A data directory, named or as properties name it.
#[derive(Debug, Args)]
pub(crate) struct PlaceOptions {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// A properties file with Kafka's names.
    #[arg(long, short = 'c', value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// One property; wins over the file.
    #[arg(short = 'o', value_name = "KEY=VALUE")]
    pub(crate) options: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Show what is in files of a log, and what is damaged.
    Dump(DumpOptions),
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:
  mainstem log dump mainstem-data/orders-0/*.log
  mainstem log dump mainstem-data/__cluster_metadata-0/*.log --deep --json
  mainstem log dump mainstem-data/orders-0/*.index mainstem-data/orders-0/*.timeindex")]
pub(crate) struct DumpOptions {
    /// Files: .log, .checkpoint, .index, .timeindex, .snapshot, .txnindex, and checkpoints such as leader-epoch-checkpoint.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The records too, not batches alone.
    #[arg(long)]
    pub(crate) deep: bool,
    /// What the records are; the directory's name says it if not given.
    #[arg(long, value_name = "KIND")]
    pub(crate) decode: Option<RecordKind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RecordKind {
    /// Records of a topic of users.
    Records,
    /// What the cluster knows of itself.
    ClusterMetadata,
    /// Groups and their offsets.
    ConsumerOffsets,
    /// Transactions.
    TransactionState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum InputFormat {
    /// A record a line.
    Lines,
    /// A JSON object a line.
    Json,
    /// Rows with a header line; each becomes a JSON object.
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CodecName {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

#[derive(Debug, Clone, Args)]
#[command(before_help = "Examples:
  echo hello | mainstem produce greetings
  echo 'k1:v1' | mainstem produce orders --key-separator :
  mainstem produce flights --format csv --key tailnum --null NA < flights.csv")]
pub(crate) struct ProduceOptions {
    /// The topic.
    #[arg(add = ArgValueCandidates::new(complete::topics))]
    pub(crate) topic: String,
    /// What stands between key and value of a line.
    #[arg(long, value_name = "TEXT")]
    pub(crate) key_separator: Option<String>,
    /// What standard input is.
    #[arg(long, default_value = "lines")]
    pub(crate) format: InputFormat,
    /// The field whose text is the key (json, csv).
    #[arg(long, value_name = "FIELD")]
    pub(crate) key: Option<String>,
    /// A field that stays text even if it looks like a number (csv).
    #[arg(long, value_name = "FIELD")]
    pub(crate) text: Vec<String>,
    /// Cells with this text are null, as empty ones are (csv).
    #[arg(long, value_name = "TEXT")]
    pub(crate) null: Option<String>,
    /// Send to this partition.
    #[arg(long)]
    pub(crate) partition: Option<i32>,
    /// How batches are compressed.
    #[arg(long, default_value = "none")]
    pub(crate) codec: CodecName,
    /// 0: no answer; 1: in the page cache; all: on disk.
    #[arg(long, default_value = "all", value_parser = ["0", "1", "all"])]
    pub(crate) acks: String,
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:
  mainstem consume greetings --from-beginning
  mainstem consume orders --group billing
  mainstem consume orders --from-time -1h --until-end --json")]
pub(crate) struct ConsumeOptions {
    /// The topic.
    #[arg(add = ArgValueCandidates::new(complete::topics))]
    pub(crate) topic: String,
    /// Read as a member of this group, and commit what was printed.
    #[arg(long, conflicts_with_all = ["offset", "partition"], add = ArgValueCandidates::new(complete::groups))]
    pub(crate) group: Option<String>,
    /// From the first record (with a group: where it has committed nothing).
    #[arg(long, conflicts_with_all = ["offset", "from_time"])]
    pub(crate) from_beginning: bool,
    /// From this offset.
    #[arg(long, conflicts_with = "from_time")]
    pub(crate) offset: Option<i64>,
    /// From this time: -1h, 2026-01-01, 2026-01-01T08:00Z, today.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = crate::when::time)]
    pub(crate) from_time: Option<i64>,
    /// Stop after so many records.
    #[arg(long)]
    pub(crate) max: Option<u64>,
    /// Only this partition.
    #[arg(long)]
    pub(crate) partition: Option<i32>,
    /// Stop at what was the end when the command began.
    #[arg(long)]
    pub(crate) until_end: bool,
}
