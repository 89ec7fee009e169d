//! The limits of this crate.

/// Bytes of a string in a record: its length is 16 bits. A request may bring longer ones, since bytes that are no UTF-8 become three each.
pub const STRING_BYTES_MAX: usize = 32_767;
/// Bytes of the values of one group's record. A group beyond it is refused, since its record would not fit a batch and the append
/// would end the shard.
pub const GROUP_VALUE_BYTES_MAX: usize = 900_000;
/// A member that joins for the first time and then is silent is dropped after this many milliseconds.
pub const NEW_MEMBER_JOIN_TIMEOUT_MS: i64 = 300_000;
/// Bytes of the records of one commit: they are one batch of the group's partition. A commit beyond it is refused
/// (INVALID_COMMIT_OFFSET_SIZE), as Apache Kafka refuses what exceeds the topic's `max.message.bytes`.
pub const COMMIT_BYTES_MAX: usize = 1_000_000;
/// Bytes of an offset record beside its names and metadata, at most.
pub const OFFSET_RECORD_BYTES: usize = 64;
/// Bytes of the tombstones of one batch; more of them are several batches.
pub const TOMBSTONE_BYTES_MAX: usize = 500_000;
