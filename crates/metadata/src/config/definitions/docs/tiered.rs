//! Tiered storage.
//!
//! Each row: the property, its effect here, what it is for.

use super::super::super::BrokerDoc;
use super::not_yet;
use super::reasons::{JAVA, TIERED};

#[rustfmt::skip]
pub(super) const DOCS: &[BrokerDoc] = &[
    not_yet("remote.fetch.max.wait.ms", TIERED, "Longest wait, in milliseconds, of a fetch for remote storage."),
    not_yet("remote.list.offsets.request.timeout.ms", TIERED, "Longest wait, in milliseconds, for an offset that is looked up in remote storage."),
    not_yet("remote.log.index.file.cache.total.size.bytes", TIERED, "Bytes on local disk for indexes of remote segments."),
    not_yet("remote.log.manager.copier.thread.pool.size", TIERED, "Threads that copy segments to remote storage."),
    not_yet("remote.log.manager.copy.max.bytes.per.second", TIERED, "Most bytes a second that are copied to remote storage."),
    not_yet("remote.log.manager.copy.quota.window.num", TIERED, "Samples kept to compute the rate of copying."),
    not_yet("remote.log.manager.copy.quota.window.size.seconds", TIERED, "Seconds of one such sample."),
    not_yet("remote.log.manager.expiration.thread.pool.size", TIERED, "Threads that delete expired remote segments."),
    not_yet("remote.log.manager.fetch.max.bytes.per.second", TIERED, "Most bytes a second that are fetched from remote storage."),
    not_yet("remote.log.manager.fetch.quota.window.num", TIERED, "Samples kept to compute the rate of fetching."),
    not_yet("remote.log.manager.fetch.quota.window.size.seconds", TIERED, "Seconds of one such sample."),
    not_yet("remote.log.manager.follower.thread.pool.size", TIERED, "Threads that follow, for replicas that do not lead, what is in remote storage."),
    not_yet("remote.log.manager.task.interval.ms", TIERED, "Milliseconds between runs of copying and deletion."),
    not_yet("remote.log.manager.thread.pool.size", TIERED, "Older setting of the threads of tiered storage."),
    not_yet("remote.log.metadata.custom.metadata.max.bytes", TIERED, "Most bytes that a storage plug-in may add to a remote segment's metadata."),
    not_yet("remote.log.metadata.manager.class.name", JAVA, "Class of the metadata plug-in."),
    not_yet("remote.log.metadata.manager.class.path", JAVA, "Where the classes of the metadata plug-in lie."),
    not_yet("remote.log.metadata.manager.impl.prefix", TIERED, "What names of the metadata plug-in's own properties begin with."),
    not_yet("remote.log.metadata.manager.listener.name", TIERED, "Listener at which the metadata plug-in reaches the brokers."),
    not_yet("remote.log.reader.max.pending.tasks", TIERED, "Remote reads that may wait; beyond that fetches are refused."),
    not_yet("remote.log.reader.threads", TIERED, "Threads that read remote storage."),
    not_yet("remote.log.storage.manager.class.name", JAVA, "Class of the storage plug-in."),
    not_yet("remote.log.storage.manager.class.path", JAVA, "Where the classes of the storage plug-in lie."),
    not_yet("remote.log.storage.manager.impl.prefix", TIERED, "What names of the storage plug-in's own properties begin with."),
    not_yet("remote.log.storage.system.enable", TIERED, "Whether topics may be tiered."),
];
