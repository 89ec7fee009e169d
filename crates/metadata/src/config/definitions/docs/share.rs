//! Share groups, their coordinator and their dead-letter topics.
//!
//! Each row: the property, its effect here, what it is for.

use super::super::super::BrokerDoc;
use super::not_yet;
use super::reasons::SHARE_GROUPS;

#[rustfmt::skip]
pub(super) const DOCS: &[BrokerDoc] = &[
    not_yet("errors.deadletterqueue.auto.create.topics.enable", SHARE_GROUPS, "Whether a dead-letter topic is created when it is missing."),
    not_yet("errors.deadletterqueue.topic.name.prefix", SHARE_GROUPS, "What names of dead-letter topics begin with."),
    not_yet("group.share.assignment.interval.ms", SHARE_GROUPS, "Milliseconds between two assignments of a share group."),
    not_yet("group.share.assignors", SHARE_GROUPS, "Assignors of share groups."),
    not_yet("group.share.delivery.count.limit", SHARE_GROUPS, "Deliveries after which a record is given up."),
    not_yet("group.share.heartbeat.interval.ms", SHARE_GROUPS, "Milliseconds between the heartbeats of a share group's member."),
    not_yet("group.share.max.assignment.interval.ms", SHARE_GROUPS, "Highest assignment interval, in milliseconds, that a share group may set."),
    not_yet("group.share.max.delivery.count.limit", SHARE_GROUPS, "Highest limit of deliveries that a share group may set."),
    not_yet("group.share.max.heartbeat.interval.ms", SHARE_GROUPS, "Highest heartbeat interval, in milliseconds, that a share group may set."),
    not_yet("group.share.max.partition.max.record.locks", SHARE_GROUPS, "Highest limit of acquired records a partition that a share group may set."),
    not_yet("group.share.max.record.lock.duration.ms", SHARE_GROUPS, "Longest acquisition lock, in milliseconds, that a share group may set."),
    not_yet("group.share.max.session.timeout.ms", SHARE_GROUPS, "Highest session timeout, in milliseconds, that a share group may set."),
    not_yet("group.share.max.share.sessions", SHARE_GROUPS, "Share sessions that a broker keeps."),
    not_yet("group.share.max.size", SHARE_GROUPS, "Most members of a share group."),
    not_yet("group.share.min.assignment.interval.ms", SHARE_GROUPS, "Lowest assignment interval, in milliseconds, that a share group may set."),
    not_yet("group.share.min.delivery.count.limit", SHARE_GROUPS, "Lowest limit of deliveries that a share group may set."),
    not_yet("group.share.min.heartbeat.interval.ms", SHARE_GROUPS, "Lowest heartbeat interval, in milliseconds, that a share group may set."),
    not_yet("group.share.min.partition.max.record.locks", SHARE_GROUPS, "Lowest limit of acquired records a partition that a share group may set."),
    not_yet("group.share.min.record.lock.duration.ms", SHARE_GROUPS, "Shortest acquisition lock, in milliseconds, that a share group may set."),
    not_yet("group.share.min.session.timeout.ms", SHARE_GROUPS, "Lowest session timeout, in milliseconds, that a share group may set."),
    not_yet("group.share.partition.max.record.locks", SHARE_GROUPS, "Records of a share-partition that may be acquired at a time."),
    not_yet("group.share.record.lock.duration.ms", SHARE_GROUPS, "Milliseconds that a record stays acquired without an acknowledgement."),
    not_yet("group.share.session.timeout.ms", SHARE_GROUPS, "Milliseconds without a heartbeat after which a member is out of its share group."),
    not_yet("share.coordinator.append.linger.ms", SHARE_GROUPS, "Milliseconds that the share coordinator gathers records before it writes; -1 adapts to the load."),
    not_yet("share.coordinator.cached.buffer.max.bytes", SHARE_GROUPS, "Largest buffer, in bytes, that the share coordinator keeps for reuse."),
    not_yet("share.coordinator.load.buffer.size", SHARE_GROUPS, "Bytes read at once when share state is loaded."),
    not_yet("share.coordinator.snapshot.update.records.per.snapshot", SHARE_GROUPS, "Updates of share state between two whole snapshots of it."),
    not_yet("share.coordinator.state.topic.compression.codec", SHARE_GROUPS, "Number of the codec of `__share_group_state`: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd."),
    not_yet("share.coordinator.state.topic.min.isr", SHARE_GROUPS, "Replicas of `__share_group_state` that must be in sync."),
    not_yet("share.coordinator.state.topic.num.partitions", SHARE_GROUPS, "Partitions of `__share_group_state`; not to be changed once it is there."),
    not_yet("share.coordinator.state.topic.replication.factor", SHARE_GROUPS, "Replicas of `__share_group_state`."),
    not_yet("share.coordinator.state.topic.segment.bytes", SHARE_GROUPS, "Largest segment of `__share_group_state` in bytes."),
    not_yet("share.coordinator.threads", SHARE_GROUPS, "Threads of the share coordinator."),
    not_yet("share.coordinator.write.timeout.ms", SHARE_GROUPS, "Milliseconds that a write of share state may wait for replicas."),
    not_yet("share.fetch.purgatory.purge.interval.requests", SHARE_GROUPS, "Finished share fetches after which waiting ones are swept."),
];
