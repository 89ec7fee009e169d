//! Copies on other nodes, and elections.
//!
//! Each row: the property, its effect here, what it is for.

use super::super::super::BrokerDoc;
use super::reasons::{ELECTIONS, JAVA, ONE_DIRECTORY, REPLICATION, TIERED};
use super::{honoured, not_yet};

#[rustfmt::skip]
pub(super) const DOCS: &[BrokerDoc] = &[
    not_yet("auto.leader.rebalance.enable", ELECTIONS, "Whether leadership goes back to preferred replicas by itself."),
    not_yet("follower.fetch.last.tiered.offset.enable", TIERED, "Whether a new follower begins at the last tiered offset, not at the first one."),
    not_yet("leader.imbalance.check.interval.seconds", ELECTIONS, "Seconds between looks for leaders that are not the preferred ones."),
    honoured("min.insync.replicas", "Replicas that must be in sync for `acks=all` to be taken. Default of the topic property of this name."),
    not_yet("num.replica.alter.log.dirs.threads", ONE_DIRECTORY, "Threads that move partitions between directories."),
    not_yet("num.replica.fetchers", REPLICATION, "Threads that fetch from each other broker."),
    not_yet("replica.fetch.backoff.ms", REPLICATION, "Milliseconds that a follower waits after a failed fetch."),
    not_yet("replica.fetch.max.bytes", REPLICATION, "Bytes that a follower asks for of each partition; a larger first batch still comes."),
    not_yet("replica.fetch.min.bytes", REPLICATION, "Bytes that a follower's fetch waits for."),
    not_yet("replica.fetch.response.max.bytes", REPLICATION, "Bytes of a whole answer that a follower asks for."),
    not_yet("replica.fetch.wait.max.ms", REPLICATION, "Longest wait, in milliseconds, of a follower's fetch; should be below `replica.lag.time.max.ms`."),
    not_yet("replica.high.watermark.checkpoint.interval.ms", "a record is visible when it is on disk, so the end of the log is the high watermark", "Milliseconds between writes of high watermarks to disk."),
    not_yet("replica.lag.time.max.ms", REPLICATION, "Milliseconds that a follower may lag before it leaves the ISR."),
    not_yet("replica.selector.class", JAVA, "Class that picks the replica that a consumer reads from."),
    not_yet("replica.socket.receive.buffer.bytes", REPLICATION, "Receive buffer, in bytes, of a follower's socket."),
    not_yet("replica.socket.timeout.ms", REPLICATION, "Milliseconds that a follower's request may take, at least `replica.fetch.wait.max.ms`."),
    not_yet("unclean.leader.election.enable", ELECTIONS, "Whether a replica outside the ISR may become leader, at the price of lost records. Default of the topic property of this name."),
];
