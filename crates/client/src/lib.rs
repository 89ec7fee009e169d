//! A Kafka client: connection, metadata, producer, consumer, group consumer, administration.
//!
//! Works against Mainstem and Apache Kafka alike, and knows neither's insides. Everything above the log reaches it through this crate.

mod admin;
mod assign;
mod cluster;
mod cluster_admin;
mod connection;
mod consumer;
mod error;
mod group;
mod group_admin;
pub mod limits;
mod log_dirs;
mod offsets;
mod producer;
mod versions;

pub use admin::{ConfigChange, NewTopic, PartitionDetail, TopicDetail};
pub use cluster::{Cluster, ClusterOptions};
pub use cluster_admin::{ClusterDetail, ConfigEntry, ConfigTarget, FeatureDetail, NodeDetail};
pub use consumer::{Consumer, ConsumerOptions, Record, Start};
pub use error::ClientError;
pub use group::{GroupConsumer, GroupOptions};
pub use group_admin::{GroupDetail, GroupListing, Member};
pub use offsets::OffsetSpec;
pub use producer::{Produced, Producer, ProducerOptions};
