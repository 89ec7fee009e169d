//! The limits of the node. Each bounds memory or time that a peer could otherwise take.

use std::time::Duration;

/// Requests of one connection that wait for their answer.
pub const REQUESTS_IN_FLIGHT: usize = 64;
/// Bytes of answers of one connection that wait to be written; beyond it no further request of it is handled.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes reserved at a time for a frame whose length a client only claims.
pub const READ_STEP_BYTES: usize = 256 * 1024;
/// What a connection's buffer is when nothing is in it.
pub const READ_IDLE_BYTES: usize = 8 * 1024;
/// Bytes appended but not yet on stable storage, over all partitions; beyond it appends wait.
pub const UNDURABLE_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Threads that sync.
pub const SYNC_THREADS: usize = 8;
/// Commands that wait for the controller.
pub const CONTROLLER_MAILBOX: usize = 1_024;
/// Requests that wait for one group shard.
pub const SHARD_MAILBOX: usize = 1_024;
/// Records that one request of a shard may write must fit a batch.
pub const SHARD_BATCH_BYTES_MAX: usize = 1_000_000;
/// Fetch waits that a partition lists before it drops those that ended.
pub const FETCH_WAITS_PRUNE: usize = 32;
/// Bytes that one Fetch may return, whatever it asks for.
pub const FETCH_BYTES_MAX: usize = 55 * 1024 * 1024;
/// How long a stop waits for requests that are being answered.
pub const DRAIN: Duration = Duration::from_secs(2);
/// How long a connection's unanswered requests may hold up a stop.
pub const DRAIN_CONNECTION: Duration = Duration::from_millis(200);
/// How often old segments, producers and offsets are looked for.
pub const HOUSEKEEPING: Duration = Duration::from_secs(30);
/// How often recovery points are written.
pub const CHECKPOINT: Duration = Duration::from_secs(60);
/// Partitions that one DescribeTopicPartitions answers at most.
pub const DESCRIBED_PARTITIONS_MAX: usize = 2_000;

const _: () = assert!(READ_IDLE_BYTES <= READ_STEP_BYTES);
