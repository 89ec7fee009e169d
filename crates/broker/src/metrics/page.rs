//! The page: what a scrape is told.

use std::sync::Arc;

use mainstem_protocol::ApiKey;

use super::lag::lags;
use super::text::Text;
use super::{BUCKETS_MICROS, Metrics, of};
use crate::limits::METRICS_PARTITIONS_MAX;
use crate::node::Node;

/// Writes the page.
pub(crate) async fn page(node: &Arc<Node>) -> String {
    let mut text = Text::default();
    traffic(&mut text, node);
    requests(&mut text, &node.metrics);
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
            node.memory.used(),
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
    let counters = [
        (
            "mainstem_requests_refused_total",
            "Requests that closed their connection: not served, or not readable.",
            metrics_of(metrics, |api| of(&api.refused)),
        ),
        (
            "mainstem_partition_errors_total",
            "Partitions of Produce and Fetch that were answered with an error.",
            metrics_of(metrics, |api| of(&api.failed_partitions)),
        ),
    ];
    for (name, help, values) in counters {
        text.family(name, "counter", help);
        for (api, value) in values {
            text.sample(name, &[("api", &api.to_string())], value);
        }
    }
    let name = "mainstem_request_seconds";
    text.family(
        name,
        "histogram",
        "From a request being whole until its answer is ready, waiting included (a Fetch waits for records).",
    );
    for (api, count) in metrics_of(metrics, |api| of(&api.requests)) {
        let label = api.to_string();
        let mut below = 0;
        for (at, micros) in BUCKETS_MICROS.iter().enumerate() {
            below += metrics.sum_api(api, |api| of(&api.buckets[at]));
            let bound = seconds(*micros).to_string();
            let labels = [("api", label.as_str()), ("le", &bound)];
            text.sample("mainstem_request_seconds_bucket", &labels, below);
        }
        // Counts go on while they are added up: no bucket may hold more than the whole.
        let count = count.max(below);
        let labels = [("api", label.as_str()), ("le", "+Inf")];
        text.sample("mainstem_request_seconds_bucket", &labels, count);
        let sum = seconds(metrics.sum_api(api, |api| of(&api.micros)));
        text.sample("mainstem_request_seconds_sum", &[("api", &label)], sum);
        text.sample("mainstem_request_seconds_count", &[("api", &label)], count);
    }
}

fn seconds(micros: u64) -> f64 {
    std::time::Duration::from_micros(micros).as_secs_f64()
}

/// The APIs of which there is something to tell.
fn metrics_of(
    metrics: &Metrics,
    counter: impl Fn(&super::ApiCounters) -> u64,
) -> Vec<(ApiKey, u64)> {
    let all = ApiKey::all().map(|api| (api, metrics.sum_api(api, &counter)));
    all.filter(|(_, count)| *count > 0).collect()
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
    for (at, (name, help)) in families.into_iter().enumerate() {
        text.family(name, "gauge", help);
        for (topic, index, values) in &seen {
            let labels = [("topic", &**topic), ("partition", index.as_str())];
            text.sample(name, &labels, values[at]);
        }
    }
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
            } else {
                text.sample(name, &labels, lag.seconds);
            }
        }
    }
}
