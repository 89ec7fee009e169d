//! The page: what a scrape is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use mainstem_protocol::{ApiKey, ErrorCode};

use super::histogram::Added;
use super::lag::lags;
use super::process::process;
use super::text::Text;
use super::{Metrics, of};
use crate::limits::{METRICS_PARTITIONS_MAX, METRICS_TOPICS_MAX};
use crate::node::Node;

/// Writes the page.
pub(crate) async fn page(node: &Arc<Node>) -> String {
    let mut text = Text::default();
    traffic(&mut text, node);
    requests(&mut text, &node.metrics);
    disk(&mut text, node);
    process(&mut text);
    topics(&mut text, node);
    logs(&mut text, node);
    groups(&mut text, node).await;
    text.finish()
}

fn traffic(text: &mut Text, node: &Node) {
    let metrics = &node.metrics;
    text.family(
        "mainstem_info",
        "gauge",
        "The node: always 1, what counts are the labels.",
    );
    let id = node.node_id.to_string();
    let labels = [
        ("version", env!("CARGO_PKG_VERSION")),
        ("cluster_id", &node.cluster_id),
        ("node_id", &id),
    ];
    text.sample("mainstem_info", &labels, 1);
    let singles = [
        (
            "mainstem_received_bytes_total",
            "counter",
            "Bytes of requests.",
            metrics.sum(|core| of(&core.received_bytes)),
        ),
        (
            "mainstem_sent_bytes_total",
            "counter",
            "Bytes of answers.",
            metrics.sum(|core| of(&core.sent_bytes)),
        ),
        (
            "mainstem_connections",
            "gauge",
            "Connections that are open.",
            u64::try_from(node.connections.count()).unwrap_or(0),
        ),
        (
            "mainstem_request_memory_bytes",
            "gauge",
            "Memory of requests and answers that are under way.",
            node.memory.used() + node.arriving.used(),
        ),
        (
            "mainstem_undurable_bytes",
            "gauge",
            "Bytes that were appended and are not on disk yet.",
            node.sync.undurable_bytes(),
        ),
    ];
    for (name, kind, help, value) in singles {
        text.single((name, kind, help), value);
    }
}

fn requests(text: &mut Text, metrics: &Metrics) {
    text.family(
        "mainstem_requests_refused_total",
        "counter",
        "Requests that closed their connection: not served, or not readable.",
    );
    for api in ApiKey::all() {
        let refused: u64 = metrics.api(api).map(|api| of(&api.refused)).sum();
        if refused > 0 {
            let labels = [("api", &*api.to_string())];
            text.sample("mainstem_requests_refused_total", &labels, refused);
        }
    }
    text.family(
        "mainstem_errors_total",
        "counter",
        "Error codes in answers, of whole requests and of what is in them (topics, partitions, groups).",
    );
    for ((api, code), count) in metrics.errors() {
        let api = ApiKey::from_code(api).map_or(api.to_string(), |api| api.to_string());
        let labels = [("api", &*api), ("error", ErrorCode::from_code(code).name())];
        text.sample("mainstem_errors_total", &labels, count);
    }
    text.family(
        "mainstem_request_seconds",
        "histogram",
        "From a request being whole until its answer is ready, waiting included (a Fetch waits for records).",
    );
    for api in ApiKey::all() {
        let took = Added::of(metrics.api(api).map(|api| &api.took));
        if took.count() > 0 {
            let labels = [("api", &*api.to_string())];
            took.write(text, "mainstem_request_seconds", &labels);
        }
    }
}

fn disk(text: &mut Text, node: &Node) {
    let name = "mainstem_sync_seconds";
    let help = "How long the disk took to make appended records stable, a partition at a time.";
    text.family(name, "histogram", help);
    Added::of([&node.sync.took].into_iter()).write(text, name, &[]);
}

/// Bytes of records by topic since the start.
fn topics(text: &mut Text, node: &Node) {
    let mut topics: BTreeMap<_, [u64; 2]> = BTreeMap::new();
    for partition in node.partitions.all() {
        if topics.len() >= METRICS_TOPICS_MAX && !topics.contains_key(&partition.topic) {
            continue;
        }
        let [appended, fetched] = partition.traffic();
        let sums = topics.entry(partition.topic.clone()).or_default();
        sums[0] += appended;
        sums[1] += fetched;
    }
    let families = [
        (
            "mainstem_topic_appended_bytes_total",
            "Bytes of batches that were appended.",
        ),
        (
            "mainstem_topic_fetched_bytes_total",
            "Bytes of batches that were fetched.",
        ),
    ];
    let topics = topics.iter();
    let series: Vec<_> = topics
        .map(|(topic, sums)| (vec![("topic", &**topic)], *sums))
        .collect();
    text.families("counter", families, &series);
}

fn logs(text: &mut Text, node: &Node) {
    let mut partitions = node.partitions.all();
    text.single(
        (
            "mainstem_partitions",
            "gauge",
            "Partitions that this node leads.",
        ),
        partitions.len(),
    );
    partitions.sort_by(|a, b| (&a.topic, a.index).cmp(&(&b.topic, b.index)));
    partitions.truncate(METRICS_PARTITIONS_MAX);
    let seen: Vec<_> = partitions
        .iter()
        .filter_map(|partition| {
            let offsets = partition.offsets().ok()?;
            let bytes = i64::try_from(partition.size_bytes()).unwrap_or(i64::MAX);
            let values = [
                offsets.log_start,
                offsets.high_watermark,
                offsets.log_end,
                bytes,
            ];
            Some((partition.topic.clone(), partition.index.to_string(), values))
        })
        .collect();
    let families = [
        ("mainstem_log_start_offset", "First offset that is kept."),
        (
            "mainstem_high_watermark",
            "Offset behind the last record that can be read.",
        ),
        (
            "mainstem_log_end_offset",
            "Offset that the next record gets; its rate is the rate of records.",
        ),
        ("mainstem_log_bytes", "Bytes of the log on disk."),
    ];
    let seen = seen.iter();
    let series: Vec<_> = seen
        .map(|(topic, index, values)| {
            let labels = vec![("topic", &**topic), ("partition", index.as_str())];
            (labels, *values)
        })
        .collect();
    text.families("gauge", families, &series);
}

async fn groups(text: &mut Text, node: &Arc<Node>) {
    let lags = lags(node).await;
    let families = [
        (
            "mainstem_group_lag_records",
            "Records that a group has not committed.",
        ),
        (
            "mainstem_group_lag_seconds",
            "Age of the oldest batch that a group has not committed.",
        ),
    ];
    for (at, (name, help)) in families.into_iter().enumerate() {
        text.family(name, "gauge", help);
        for lag in &lags {
            let index = lag.index.to_string();
            let labels = [
                ("group", &*lag.group),
                ("topic", &*lag.topic),
                ("partition", &index),
            ];
            if at == 0 {
                text.sample(name, &labels, lag.records);
            } else if let Some(seconds) = lag.seconds {
                text.sample(name, &labels, seconds);
            }
        }
    }
}
