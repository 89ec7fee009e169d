//! The node itself: its identity, topics it creates, threads, metrics and quotas.
//!
//! Each row: the property, its effect here, what it is for.

use super::super::super::BrokerDoc;
use super::reasons::{JAVA, METRICS, ONE_DIRECTORY, QUORUM, REPLICATION, THREADS};
use super::{honoured, not_yet};

#[rustfmt::skip]
pub(super) const DOCS: &[BrokerDoc] = &[
    not_yet("alter.config.policy.class.name", JAVA, "Class that may refuse changes of configuration."),
    honoured("auto.create.topics.enable", "Whether asking for a topic that is not there creates it."),
    not_yet("background.threads", THREADS, "Threads for chores such as deletion of files."),
    not_yet("broker.heartbeat.interval.ms", QUORUM, "Milliseconds between a broker's heartbeats to the controller."),
    not_yet("broker.id", "`node.id` is what counts", "Older name of `node.id`."),
    not_yet("broker.rack", "racks matter with replication, which comes later", "Name of the place that the broker stands in; replicas are spread over places."),
    not_yet("broker.session.timeout.ms", QUORUM, "Milliseconds without a heartbeat after which the controller fences a broker."),
    not_yet("client.quota.callback.class", JAVA, "Class that decides the quotas of clients."),
    not_yet("config.providers", "values are taken as they stand", "Names of the providers that resolve `${provider:path:key}` in values."),
    not_yet("controlled.shutdown.enable", REPLICATION, "Whether a stopping broker first hands its partitions to others."),
    not_yet("cordoned.log.dirs", ONE_DIRECTORY, "Directories that get no new partitions; `*` is all of them."),
    not_yet("create.topic.policy.class.name", JAVA, "Class that may refuse the creation of topics."),
    honoured("default.replication.factor", "Replicas of a topic that is created without saying how many."),
    honoured("delete.topic.enable", "Whether topics may be deleted."),
    not_yet("initial.broker.registration.timeout.ms", QUORUM, "Milliseconds a starting broker waits to be registered before it stops."),
    not_yet("kafka.metrics.polling.interval.secs", METRICS, "Seconds between two polls by the reporters of `kafka.metrics.reporters`."),
    not_yet("kafka.metrics.reporters", JAVA, "Reporter classes for the broker's older metrics."),
    honoured("max.request.partition.size.limit", "Most partitions in one answer to DescribeTopicPartitions."),
    not_yet("metric.reporters", JAVA, "Reporter classes for metrics."),
    not_yet("metrics.num.samples", METRICS, "Samples kept to compute a metric."),
    not_yet("metrics.recording.level", METRICS, "How detailed the recorded metrics are: `INFO`, `DEBUG` or `TRACE`."),
    not_yet("metrics.sample.window.ms", METRICS, "Milliseconds that one sample of a metric covers."),
    honoured("node.id", "Number of this node, at least 0, its own in the cluster. A directory keeps the number that it was first used with."),
    honoured("num.partitions", "Partitions of a topic that is created without saying how many."),
    not_yet("process.roles", "the node is always both", "What the process is: `broker`, `controller`, or both."),
    not_yet("telemetry.max.bytes", "Kafka without a telemetry plug-in does not take client metrics, nor does this node", "Largest push of client metrics in bytes."),
];
