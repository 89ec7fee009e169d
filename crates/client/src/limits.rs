//! The limits of the client.

use std::time::Duration;

/// Requests of one connection that wait for their answer.
pub const REQUESTS_IN_FLIGHT: usize = 64;
/// Largest response that is taken.
pub const RESPONSE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Bytes reserved at a time for a response.
pub const READ_STEP_BYTES: usize = 256 * 1024;
/// What a batch of records may unpack to.
pub const UNPACK_BYTES_MAX: usize = 256 * 1024 * 1024;
/// First and longest wait between tries.
pub const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// Metadata older than this is asked for again.
pub const METADATA_AGE: Duration = Duration::from_secs(300);
/// How long one of several brokers may wait for records, since they are asked in turn.
pub const SHARED_WAIT: Duration = Duration::from_millis(50);
