//! The node: sockets, dispatch, handlers, partitions, and the drivers of the cores.
//!
//! Threads: one current-thread runtime per core serves connections, each connection stays on its core; Produce and Fetch never hand
//! a request to another task. A control runtime holds the group shards and HTTP. The controller, the sync threads and the housekeeper
//! are plain threads, since they block on the disk.

mod authorization;
mod budget;
mod clock;
pub mod config;
mod context;
mod controller;
mod descriptors;
mod dispatch;
mod fetch;
mod format;
mod groups;
mod handlers;
mod housekeeping;
mod http;
pub mod limits;
mod log_dirs;
mod memory;
mod metrics;
mod net;
mod node;
mod partition;
mod partitions;
mod producer_ids;
mod sync;
mod threads;
mod wakes;

pub use config::{Durability, NodeConfig, Properties, PropertyError};
pub use dispatch::{ApiRange, api_ranges, not_served};
pub use format::{FormatError, format, random_id};
pub use log_dirs::DataDirError;
pub use mainstem_metadata::config::{ConfigError, PropertyDoc, markdown, property_docs};
pub use mainstem_metadata::control::METADATA_VERSION;
pub use mainstem_storage::Repair;
pub use mainstem_storage::disk;
pub use mainstem_storage::log_dir::{LogDirError, MetaProperties, read_meta};
pub use node::{RunningNode, StartError, StartReport, start};
