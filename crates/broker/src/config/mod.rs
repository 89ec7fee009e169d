//! The node's configuration: Kafka's property names, from a file and from options, and what the node makes of them.

mod asked;
mod changing;
mod dynamic;
mod java;
mod properties;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use mainstem_metadata::config::TOPIC_CONFIGS;
use mainstem_protocol::Str;
use mainstem_protocol::batch::TimestampType;
use mainstem_protocol::compress::Codec;
use mainstem_storage::disk::Disk;
use mainstem_storage::{CompressionPolicy, LogConfig};

pub(crate) use changing::check_change;
pub(crate) use dynamic::{dynamic_configs, effective, note_endpoints};
pub use properties::{Properties, PropertyError};

/// When a record counts as committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// When it is on stable storage.
    #[default]
    Disk,
    /// When it is in the page cache: Apache Kafka's behaviour.
    PageCache,
}

/// What a node needs to start.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Host to listen on.
    pub host: String,
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
    /// Host and port told to clients; those listened on when `None`.
    pub advertised: Option<(String, u16)>,
    /// The disk that `data_dir` is on; tests put a faulty or a narrow one here. `None` is the real one, within the descriptors there are.
    pub disk: Option<Arc<dyn Disk>>,
    /// Where HTTP is served; nowhere when `None`.
    pub http: Option<SocketAddr>,
    /// Everything else, under Kafka's names.
    pub properties: Properties,
}

impl NodeConfig {
    /// A node on a free port of loopback, for tests.
    pub fn for_tests(data_dir: PathBuf) -> Self {
        Self {
            data_dir,
            host: "127.0.0.1".to_owned(),
            port: 0,
            advertised: None,
            disk: None,
            http: None,
            properties: Properties::default(),
        }
    }
}

/// The settings of a topic's logs: its own values over the node's.
pub(crate) fn log_config(properties: &Properties, own: Option<&BTreeMap<Str, Str>>) -> LogConfig {
    let value = |name: &str| -> String { topic_value(properties, own, name).0 };
    let number = |name: &str| -> i64 { value(name).trim().parse().unwrap_or(0) };
    let cleanup = value("cleanup.policy");
    let codec = value("compression.type");
    let policy = match Codec::from_name(&codec) {
        Some(codec) => CompressionPolicy::Codec(codec),
        None => CompressionPolicy::Producer,
    };
    let level = match policy {
        CompressionPolicy::Codec(Codec::Gzip) => number("compression.gzip.level"),
        CompressionPolicy::Codec(Codec::Zstd) => number("compression.zstd.level"),
        _ => -1,
    };
    LogConfig {
        segment_bytes: u64::try_from(number("segment.bytes")).unwrap_or(1 << 30),
        segment_ms: number("segment.ms"),
        segment_jitter_ms: number("segment.jitter.ms"),
        segment_index_bytes: usize::try_from(number("segment.index.bytes")).unwrap_or(10 << 20),
        index_interval_bytes: u64::try_from(number("index.interval.bytes")).unwrap_or(4_096),
        retention_ms: number("retention.ms"),
        retention_bytes: number("retention.bytes"),
        delete: cleanup.split(',').any(|policy| policy.trim() == "delete"),
        compact: cleanup.split(',').any(|policy| policy.trim() == "compact"),
        max_message_bytes: usize::try_from(number("max.message.bytes")).unwrap_or(1_048_588),
        timestamp_type: match value("message.timestamp.type").as_str() {
            "LogAppendTime" => TimestampType::LogAppendTime,
            _ => TimestampType::CreateTime,
        },
        timestamp_before_max_ms: number("message.timestamp.before.max.ms"),
        timestamp_after_max_ms: number("message.timestamp.after.max.ms"),
        compression: policy,
        compression_level: i32::try_from(level).ok().filter(|level| *level != -1),
        flush_messages: number("flush.messages"),
        flush_ms: number("flush.ms"),
        producer_id_expiration_ms: properties.number("producer.id.expiration.ms"),
    }
}

/// Where a topic's value comes from, as DescribeConfigs numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueSource {
    Topic = 1,
    StaticBroker = 4,
    Default = 5,
}

/// A topic's value and where it comes from: its own, a broker property's, or the default.
pub(crate) fn topic_value(
    properties: &Properties,
    own: Option<&BTreeMap<Str, Str>>,
    name: &str,
) -> (String, ValueSource) {
    if let Some(value) = own.and_then(|own| own.get(name)) {
        return (value.to_string(), ValueSource::Topic);
    }
    let Some(row) = TOPIC_CONFIGS.iter().find(|row| row.name == name) else {
        return (String::new(), ValueSource::Default);
    };
    for synonym in row.synonyms {
        if let Some(value) = properties.given(synonym) {
            return (scaled(synonym, value), ValueSource::StaticBroker);
        }
    }
    (row.default.to_owned(), ValueSource::Default)
}

/// Values in hours and minutes as milliseconds.
fn scaled(name: &str, value: &str) -> String {
    let factor = match name {
        _ if name.ends_with(".hours") => 3_600_000,
        _ if name.ends_with(".minutes") => 60_000,
        _ => return value.to_owned(),
    };
    match value.trim().parse::<i64>() {
        Ok(number) if number >= 0 => number.saturating_mul(factor).to_string(),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests;
