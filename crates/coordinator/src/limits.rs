//! The limits of this crate.

/// Bytes of the values of one group's record. A group beyond it is refused, since its record would not fit a batch and the append
/// would end the shard.
pub const GROUP_VALUE_BYTES_MAX: usize = 900_000;
/// A member that joins for the first time and then is silent is dropped after this many milliseconds.
pub const NEW_MEMBER_JOIN_TIMEOUT_MS: i64 = 300_000;
