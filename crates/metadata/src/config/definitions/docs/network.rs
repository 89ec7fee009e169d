//! Sockets, connections, requests and quotas.
//!
//! Each row: the property, its effect here, what it is for.

use super::super::super::BrokerDoc;
use super::reasons::{ONE_DIRECTORY, PARKED, QUORUM, QUOTAS, REPLICATION, SECURITY, THREADS};
use super::{honoured, not_yet};

#[rustfmt::skip]
pub(super) const DOCS: &[BrokerDoc] = &[
    honoured("advertised.listeners", "Addresses that clients are told to connect to; those of `listeners` when unset."),
    not_yet("alter.log.dirs.replication.quota.window.num", ONE_DIRECTORY, "Samples kept to compute the rate of moves between directories."),
    not_yet("alter.log.dirs.replication.quota.window.size.seconds", ONE_DIRECTORY, "Seconds of one such sample."),
    not_yet("connection.failed.authentication.delay.ms", SECURITY, "Milliseconds by which the answer to a failed authentication is delayed."),
    honoured("connections.max.idle.ms", "Milliseconds of silence after which a connection is closed."),
    not_yet("controller.quota.window.num", QUOTAS, "Samples kept to compute the rate of changes of topics."),
    not_yet("controller.quota.window.size.seconds", QUOTAS, "Seconds of one such sample."),
    not_yet("delete.records.purgatory.purge.interval.requests", PARKED, "Finished DeleteRecords requests after which waiting ones are swept."),
    not_yet("early.start.listeners", "there is no authorizer to wait for", "Listeners that may open before the authorizer is ready."),
    honoured("fetch.max.bytes", "Most bytes in one answer to a fetch, at least 1024."),
    not_yet("fetch.purgatory.purge.interval.requests", PARKED, "Finished fetches after which waiting ones are swept."),
    not_yet("listener.security.protocol.map", SECURITY, "Security protocol of each listener name, as `NAME:PROTOCOL` between commas."),
    not_yet("listeners", "only plain listeners are served yet: the first `PLAINTEXT://host:port` of the list is opened", "Addresses to listen on, as `NAME://host:port` between commas."),
    not_yet("max.connection.creation.rate", "new connections are bounded in number, not in rate", "Most new connections a second."),
    honoured("max.connections", "Most open connections at a time."),
    honoured("max.connections.per.ip", "Most open connections from one address; 0 forbids all without an override."),
    honoured("max.connections.per.ip.overrides", "Other limits for some addresses, as `address:number` between commas."),
    honoured("max.incremental.fetch.session.cache.slots", "Fetch sessions that are kept; 0 keeps none."),
    not_yet("num.io.threads", THREADS, "Threads that carry out requests."),
    not_yet("num.network.threads", THREADS, "Threads that read and write sockets, for each listener."),
    not_yet("producer.purgatory.purge.interval.requests", PARKED, "Finished produce requests after which waiting ones are swept."),
    honoured("queued.max.request.bytes", "Most bytes of requests and answers in memory; -1 takes the node's own limit of 512 MiB."),
    not_yet("queued.max.requests", "requests are bounded by bytes, not by number", "Requests that may wait before reading from sockets pauses."),
    not_yet("quota.window.num", QUOTAS, "Samples kept to compute a client's rate."),
    not_yet("quota.window.size.seconds", QUOTAS, "Seconds of one such sample."),
    not_yet("replication.quota.window.num", REPLICATION, "Samples kept to compute the rate of throttled replication."),
    not_yet("replication.quota.window.size.seconds", REPLICATION, "Seconds of one such sample."),
    not_yet("request.timeout.ms", QUORUM, "Milliseconds that a request to another node may take."),
    not_yet("socket.connection.setup.timeout.max.ms", QUORUM, "Longest wait, in milliseconds, for a connection to another node, after repeated failures."),
    not_yet("socket.connection.setup.timeout.ms", QUORUM, "First wait, in milliseconds, for a connection to another node."),
    honoured("socket.listen.backlog.size", "Connections that may wait to be accepted."),
    not_yet("socket.receive.buffer.bytes", "the system chooses, and adapts, the size", "Receive buffer of a socket in bytes; -1 leaves it to the system."),
    honoured("socket.request.max.bytes", "Largest request in bytes."),
    not_yet("socket.send.buffer.bytes", "the system chooses, and adapts, the size", "Send buffer of a socket in bytes; -1 leaves it to the system."),
];
