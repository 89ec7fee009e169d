//! The limits of this crate.

/// Longest name of a topic: with its partition and suffixes it must be a file's name.
pub const TOPIC_NAME_BYTES_MAX: usize = 249;
/// Most partitions that one request may create.
pub const PARTITIONS_PER_REQUEST_MAX: i32 = 10_000;
/// Most records that creating topics may take: each topic, property and partition is one.
pub const RECORDS_PER_REQUEST_MAX: usize = 10_000;
/// Producer ids that a broker takes at a time.
pub const PRODUCER_ID_BLOCK: i64 = 1_000;
