//! The limits of the node. Each bounds memory or time that a peer could otherwise take.

use std::time::Duration;

/// Requests of one connection that wait for their answer.
pub const REQUESTS_IN_FLIGHT: usize = 64;
/// Bytes of answers of one connection that wait to be written; beyond it no further request of it is handled.
pub const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Memory for frames, what they are decoded into, and answers not yet written, over all connections, unless `queued.max.request.bytes`
/// says otherwise.
pub const MEMORY_BYTES: u64 = 512 * 1024 * 1024;
/// What small frames may take beyond it.
pub const MEMORY_RESERVE_BYTES: u64 = 64 * 1024 * 1024;
/// A frame up to this size is small: it is read without asking.
pub const FRAME_SMALL_BYTES: usize = 64 * 1024;
/// Memory that decoding one request may take beside its frame.
pub const DECODE_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Memory that the answer to one request may take while it is made, as values and as bytes.
pub const ANSWER_MEMORY_MAX: usize = 128 * 1024 * 1024;
/// An answer up to this size is made without asking.
pub const ANSWER_MEMORY_SMALL: usize = 64 * 1024;
/// Larger ones that are made at the same time.
pub const LARGE_ANSWERS: usize = 2;
/// Entries of a request that are worked on before the other tasks of its core have a turn.
pub const TURN_ENTRIES: usize = 128;
/// The same by the size of the answer: what an entry counts beside its bytes, and how much is a turn.
pub const ANSWER_ENTRY_WORK: usize = 512;
/// See [`ANSWER_ENTRY_WORK`].
pub const TURN_BYTES: usize = TURN_ENTRIES * ANSWER_ENTRY_WORK;
/// Searches of records by time that run at the same time, off the cores.
pub const TIME_SEARCHES: usize = 2;
/// How long one may take in a partition.
pub const TIME_SEARCH_MAX: Duration = Duration::from_secs(30);
/// Memory for small frames that are on their way and larger than an idle buffer; beyond it they do not grow.
pub const ARRIVING_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes that one Fetch returns while memory is short.
pub const FETCH_BYTES_SHORT: usize = 64 * 1024;
/// While memory is short, a frame that is held for longer than [`GRACE`] must have come at this rate or go, bytes a second.
pub const FRAME_RATE_MIN: u64 = 1024 * 1024;
/// The same for a small frame, of which so many are on their way that their account is full.
pub const FRAME_SMALL_RATE_MIN: u64 = 16 * 1024;
/// While memory is short, an answer that waits for longer than [`GRACE`] must have been taken at this rate or go, bytes a second.
pub const ANSWER_RATE_MIN: u64 = 256 * 1024;
/// How long a peer may be slow with what others wait for.
pub const GRACE: Duration = Duration::from_secs(3);
/// How often that is looked at.
pub const GRACE_CHECK: Duration = Duration::from_millis(500);
/// How long what could not be begun for want of a descriptor waits before it is tried again.
pub const DESCRIPTOR_RETRY: Duration = Duration::from_millis(20);
/// How often the log of metadata, and that of a coordinator, is tried again before its role ends.
pub const DESCRIPTOR_TRIES: u32 = 100;
/// Connections to the HTTP endpoint; more of them wait to be accepted.
pub const HTTP_CONNECTIONS_MAX: usize = 32;
/// How long an HTTP connection may take to ask, and to take what it is answered.
pub const HTTP_PATIENCE: Duration = Duration::from_secs(15);
/// Descriptors that connections and the files of logs leave for the node itself.
pub const DESCRIPTORS_KEPT: usize = 128;
/// Files of logs that are open at the same time, at most: a quarter of the descriptors, within these bounds.
pub const OPEN_FILES_MAX: usize = 8_192;
/// See [`OPEN_FILES_MAX`].
pub const OPEN_FILES_MIN: usize = 64;
/// Connections that are let in however few descriptors there are.
pub const CONNECTIONS_MIN: usize = 16;
/// Partitions of all fetch sessions together; a client whose session does not fit gets none.
pub const SESSION_PARTITIONS_MAX: usize = 1_000_000;
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
/// Bytes of a snapshot of the metadata log that is read at a start.
pub const SNAPSHOT_BYTES_MAX: u64 = 1 << 30;
/// Requests that wait for one group shard.
pub const SHARD_MAILBOX: usize = 1_024;
/// Waits for a commit of one partition before those of clients that went away are looked for.
pub const COMMIT_WAITS_LOOK: usize = 1_024;
/// Bytes that one Fetch may return, whatever it asks for.
pub const FETCH_BYTES_MAX: usize = 55 * 1024 * 1024;
/// How long a stop waits for requests that are being answered.
pub const DRAIN: Duration = Duration::from_secs(2);
/// How long a connection's unanswered requests may hold up a stop.
pub const DRAIN_CONNECTION: Duration = Duration::from_millis(200);
/// How often silent producers are looked for, or more often where they are forgotten sooner. Apache Kafka's interval: a batch that is sent
/// again within it is known as one whatever its timestamps say.
pub const PRODUCER_EXPIRY: Duration = Duration::from_secs(600);
/// How often recovery points are written.
pub const CHECKPOINT: Duration = Duration::from_secs(60);

const _: () = assert!(READ_IDLE_BYTES <= FRAME_SMALL_BYTES && FRAME_SMALL_BYTES <= READ_STEP_BYTES);
const _: () = assert!(FETCH_BYTES_SHORT < FETCH_BYTES_MAX);

/// Warnings about peers that are said in a second; the others are counted.
pub const WARNINGS_PER_SECOND: u32 = 10;
/// API keys that are counted: above every key of the schema.
pub const API_KEYS_MAX: usize = 128;
/// Topics whose traffic `/metrics` shows.
pub const METRICS_TOPICS_MAX: usize = 10_000;
/// Partitions that `/metrics` shows.
pub const METRICS_PARTITIONS_MAX: usize = 10_000;
/// Lags (of a group on a partition) that `/metrics` shows.
pub const METRICS_LAGS_MAX: usize = 10_000;
