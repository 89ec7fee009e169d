//! The grammar of `mainstem topic`.

use clap::Subcommand;
use clap_complete::engine::ArgValueCandidates;

use crate::complete;

#[derive(Debug, Subcommand)]
#[command(before_help = "Examples:
  mainstem topic create orders --partitions 6 --set retention.ms=86400000
  mainstem topic list
  mainstem topic describe orders
  mainstem topic alter orders --partitions 12
  mainstem topic delete orders")]
pub(crate) enum TopicCommand {
    /// Make a topic.
    Create {
        /// Its name.
        name: String,
        /// Partitions; the node's default if not given.
        #[arg(long)]
        partitions: Option<i32>,
        /// Replicas; the node's default if not given.
        #[arg(long)]
        replication_factor: Option<i16>,
        /// A configuration value.
        #[arg(long = "set", short = 'o', value_name = "KEY=VALUE")]
        configs: Vec<String>,
        /// Only say whether it could be made.
        #[arg(long)]
        dry_run: bool,
    },
    /// List topics.
    List {
        /// The cluster's own topics too.
        #[arg(long)]
        internal: bool,
    },
    /// Describe a topic: partitions, offsets, configuration.
    Describe {
        /// Its name.
        #[arg(add = ArgValueCandidates::new(complete::topics))]
        name: String,
    },
    /// Change a topic.
    Alter {
        /// Its name.
        #[arg(add = ArgValueCandidates::new(complete::topics))]
        name: String,
        /// Raise the count of partitions.
        #[arg(long)]
        partitions: Option<i32>,
        /// Set a configuration value.
        #[arg(long = "set", short = 'o', value_name = "KEY=VALUE")]
        set: Vec<String>,
        /// Put a configuration value back to its default.
        #[arg(long, value_name = "KEY")]
        unset: Vec<String>,
    },
    /// Delete a topic and all its records.
    Delete {
        /// Its name.
        #[arg(add = ArgValueCandidates::new(complete::topics))]
        name: String,
    },
}
