//! The settings of one log.

use mainstem_protocol::batch::TimestampType;
use mainstem_protocol::compress::Codec;

/// What `compression.type` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompressionPolicy {
    /// Keep what the producer chose.
    Producer,
    /// Store under this codec.
    Codec(Codec),
}

/// The settings of one log. Limits of -1 mean "no limit", as in Apache Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// `segment.bytes`.
    pub segment_bytes: u64,
    /// `segment.ms`.
    pub segment_ms: i64,
    /// `segment.jitter.ms`.
    pub segment_jitter_ms: i64,
    /// `segment.index.bytes`.
    pub segment_index_bytes: usize,
    /// `index.interval.bytes`.
    pub index_interval_bytes: u64,
    /// `retention.ms`.
    pub retention_ms: i64,
    /// `retention.bytes`.
    pub retention_bytes: i64,
    /// True when `cleanup.policy` has `delete`.
    pub delete: bool,
    /// True when `cleanup.policy` has `compact`.
    pub compact: bool,
    /// `max.message.bytes`.
    pub max_message_bytes: usize,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`.
    pub timestamp_after_max_ms: i64,
    /// `compression.type`.
    pub compression: CompressionPolicy,
    /// The level of that codec.
    pub compression_level: Option<i32>,
    /// `flush.messages`: so many records at most wait for a sync, whatever the node's durability.
    pub flush_messages: i64,
    /// `flush.ms`.
    pub flush_ms: i64,
    /// `producer.id.expiration.ms`.
    pub producer_id_expiration_ms: i64,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            segment_bytes: 1 << 30,
            segment_ms: 604_800_000,
            segment_jitter_ms: 0,
            segment_index_bytes: 10 << 20,
            index_interval_bytes: 4096,
            retention_ms: 604_800_000,
            retention_bytes: -1,
            delete: true,
            compact: false,
            max_message_bytes: 1_048_588,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            compression: CompressionPolicy::Producer,
            compression_level: None,
            flush_messages: i64::MAX,
            flush_ms: i64::MAX,
            producer_id_expiration_ms: 86_400_000,
        }
    }
}

impl LogConfig {
    /// A segment's share of `segment.jitter.ms`, by which it closes earlier than `segment.ms` says, and never by more than that. Each has
    /// its own, as in Apache Kafka, but the same at every start.
    pub(crate) fn segment_jitter_of(&self, log_seed: u32, base_offset: i64) -> i64 {
        let jitter_ms = match self.segment_jitter_ms.min(self.segment_ms) {
            ..=0 => return 0,
            jitter_ms => jitter_ms,
        };
        // The finish of splitmix64: neighbouring offsets come out far apart.
        let mut mixed = u64::from(log_seed) << 32 ^ base_offset.cast_unsigned();
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31).cast_signed().saturating_abs() % jitter_ms
    }
}
