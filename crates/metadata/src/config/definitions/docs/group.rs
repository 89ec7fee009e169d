//! Groups of consumers, their offsets, and streams groups.
//!
//! Each row: the property, its effect here, what it is for.

use super::super::super::BrokerDoc;
use super::reasons::{CONSUMER_GROUPS, JAVA, STREAMS_GROUPS, THREADS};
use super::{honoured, not_yet};

#[rustfmt::skip]
pub(super) const DOCS: &[BrokerDoc] = &[
    not_yet("group.consumer.assignment.interval.ms", CONSUMER_GROUPS, "Milliseconds between two assignments of a consumer group."),
    not_yet("group.consumer.assignors", CONSUMER_GROUPS, "Assignors of the server, between commas; the first is the default."),
    not_yet("group.consumer.heartbeat.interval.ms", CONSUMER_GROUPS, "Milliseconds between the heartbeats of a consumer group's member."),
    not_yet("group.consumer.max.assignment.interval.ms", CONSUMER_GROUPS, "Highest assignment interval, in milliseconds, that a group may set."),
    not_yet("group.consumer.max.heartbeat.interval.ms", CONSUMER_GROUPS, "Highest heartbeat interval, in milliseconds, that a group may set."),
    not_yet("group.consumer.max.session.timeout.ms", CONSUMER_GROUPS, "Highest session timeout, in milliseconds, that a group may set."),
    not_yet("group.consumer.max.size", CONSUMER_GROUPS, "Most members of a consumer group."),
    not_yet("group.consumer.migration.policy", CONSUMER_GROUPS, "Whether groups change between the protocols: `upgrade`, `downgrade`, `bidirectional` or `disabled`."),
    not_yet("group.consumer.min.assignment.interval.ms", CONSUMER_GROUPS, "Lowest assignment interval, in milliseconds, that a group may set."),
    not_yet("group.consumer.min.heartbeat.interval.ms", CONSUMER_GROUPS, "Lowest heartbeat interval, in milliseconds, that a group may set."),
    not_yet("group.consumer.min.session.timeout.ms", CONSUMER_GROUPS, "Lowest session timeout, in milliseconds, that a group may set."),
    not_yet("group.consumer.session.timeout.ms", CONSUMER_GROUPS, "Milliseconds without a heartbeat after which a member is out of its group."),
    not_yet("group.coordinator.append.linger.ms", "appends of all groups are synced together already", "Milliseconds that the coordinator gathers records before it writes; -1 adapts to the load."),
    not_yet("group.coordinator.background.threads", THREADS, "Threads for long computations of the coordinator, such as matching patterns."),
    not_yet("group.coordinator.cached.buffer.max.bytes", "buffers are not cached", "Largest buffer, in bytes, that the coordinator keeps for reuse."),
    not_yet("group.coordinator.rebalance.protocols", "the classic protocol is served; others come later", "Protocols of groups that are served: `classic`, `consumer`, `streams`, `share`."),
    not_yet("group.coordinator.threads", THREADS, "Threads of the group coordinator."),
    honoured("group.initial.rebalance.delay.ms", "Milliseconds that an empty classic group waits for more members before its first rebalance."),
    honoured("group.max.session.timeout.ms", "Highest session timeout, in milliseconds, that a classic member may ask for."),
    honoured("group.max.size", "Most members of a classic group."),
    honoured("group.min.session.timeout.ms", "Lowest session timeout, in milliseconds, that a classic member may ask for."),
    not_yet("group.streams.assignment.interval.ms", STREAMS_GROUPS, "Milliseconds between two assignments of a streams group."),
    not_yet("group.streams.assignors", STREAMS_GROUPS, "Assignors of streams groups, between commas; the first is the default."),
    not_yet("group.streams.heartbeat.interval.ms", STREAMS_GROUPS, "Milliseconds between the heartbeats of a streams group's member."),
    not_yet("group.streams.initial.rebalance.delay.ms", STREAMS_GROUPS, "Milliseconds that an empty streams group waits for more members before it assigns tasks."),
    not_yet("group.streams.max.assignment.interval.ms", STREAMS_GROUPS, "Highest assignment interval, in milliseconds, that a streams group may set."),
    not_yet("group.streams.max.heartbeat.interval.ms", STREAMS_GROUPS, "Highest heartbeat interval, in milliseconds, that a streams group may set."),
    not_yet("group.streams.max.session.timeout.ms", STREAMS_GROUPS, "Highest session timeout, in milliseconds, that a streams group may set."),
    not_yet("group.streams.max.size", STREAMS_GROUPS, "Most members of a streams group."),
    not_yet("group.streams.max.standby.replicas", STREAMS_GROUPS, "Most standby copies of a task that a streams group may set."),
    not_yet("group.streams.min.assignment.interval.ms", STREAMS_GROUPS, "Lowest assignment interval, in milliseconds, that a streams group may set."),
    not_yet("group.streams.min.heartbeat.interval.ms", STREAMS_GROUPS, "Lowest heartbeat interval, in milliseconds, that a streams group may set."),
    not_yet("group.streams.min.session.timeout.ms", STREAMS_GROUPS, "Lowest session timeout, in milliseconds, that a streams group may set."),
    not_yet("group.streams.num.standby.replicas", STREAMS_GROUPS, "Standby copies of each task."),
    not_yet("group.streams.rack.aware.assignment.tags", STREAMS_GROUPS, "Client tags over whose values standby copies are spread."),
    not_yet("group.streams.session.timeout.ms", STREAMS_GROUPS, "Milliseconds without a heartbeat after which a member is out of its streams group."),
    not_yet("group.streams.topology.description.plugin.class", JAVA, "Class that receives descriptions of topologies."),
    honoured("offset.metadata.max.bytes", "Longest text, in bytes, that may be kept with a committed offset."),
    not_yet("offsets.commit.timeout.ms", "a commit is answered when it is on disk, or not at all", "Milliseconds that a commit may wait for replicas."),
    not_yet("offsets.load.buffer.size", "offsets are loaded a batch at a time", "Bytes read at once when offsets are loaded."),
    honoured("offsets.retention.check.interval.ms", "Milliseconds between looks for offsets that have expired."),
    honoured("offsets.retention.minutes", "Minutes that offsets are kept after a group has lost its members, or after the commit if it never had any."),
    not_yet("offsets.topic.compression.codec", "offsets are kept uncompressed", "Number of the codec of `__consumer_offsets`: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd."),
    honoured("offsets.topic.num.partitions", "Partitions of `__consumer_offsets`; not to be changed once it is there."),
    honoured("offsets.topic.replication.factor", "Replicas of `__consumer_offsets`."),
    honoured("offsets.topic.segment.bytes", "Largest segment of `__consumer_offsets` in bytes; small ones load faster."),
];
