//! The grammar of `mainstem group`.

use clap::{Args, Subcommand};
use clap_complete::engine::ArgValueCandidates;

use crate::complete;

#[derive(Debug, Subcommand)]
#[command(before_help = "Examples:
  mainstem group list
  mainstem group describe billing
  mainstem group reset billing --to-earliest --dry-run
  mainstem group delete billing")]
pub(crate) enum GroupCommand {
    /// List groups.
    List,
    /// Describe a group: what it has read and how far it is behind.
    Describe {
        /// Its name.
        #[arg(add = ArgValueCandidates::new(complete::groups))]
        name: String,
    },
    /// Set where a group goes on reading. The group must have no members.
    Reset(ResetOptions),
    /// Delete a group and its committed offsets.
    Delete {
        /// Its name.
        #[arg(add = ArgValueCandidates::new(complete::groups))]
        name: String,
    },
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:
  mainstem group reset billing --topic orders --to-earliest --dry-run
  mainstem group reset billing --topic orders --to-time -1h --yes")]
pub(crate) struct ResetOptions {
    /// Its name.
    #[arg(add = ArgValueCandidates::new(complete::groups))]
    pub(crate) name: String,
    /// The topic; every topic it has committed if not given.
    #[arg(long, add = ArgValueCandidates::new(complete::topics))]
    pub(crate) topic: Option<String>,
    #[command(flatten)]
    pub(crate) target: ResetTarget,
    /// Only show what would be set.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ResetTarget {
    /// To the first record.
    #[arg(long)]
    pub(crate) to_earliest: bool,
    /// Behind the last record.
    #[arg(long)]
    pub(crate) to_latest: bool,
    /// To this offset.
    #[arg(long, value_name = "N")]
    pub(crate) to_offset: Option<i64>,
    /// To the first record of this time or later.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = crate::when::time)]
    pub(crate) to_time: Option<i64>,
    /// By so many records, forwards or back.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) shift_by: Option<i64>,
}
