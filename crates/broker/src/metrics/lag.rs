//! How far each group is behind, in records and in time.

use std::sync::Arc;

use mainstem_coordinator::group::{GroupInput, GroupReply};
use mainstem_protocol::Str;
use mainstem_protocol::batch::BatchHeader;

use crate::clock::now_ms;
use crate::limits::METRICS_LAGS_MAX;
use crate::node::Node;

/// A group on a partition.
#[derive(Debug)]
pub(super) struct Lag {
    pub(super) group: Str,
    pub(super) topic: Str,
    pub(super) index: i32,
    /// Records that can be read and are not committed.
    pub(super) records: i64,
    /// Age of the oldest of them, as its batch tells it; 0 when there is none.
    pub(super) seconds: f64,
}

/// The lags of all groups; those whose shard cannot be asked are left out.
pub(super) async fn lags(node: &Arc<Node>) -> Vec<Lag> {
    let mut lags = Vec::new();
    let listed = node.groups.ask_all(node, |id| GroupInput::List { id });
    for reply in listed.await.unwrap_or_default() {
        let GroupReply::List(groups) = reply else {
            continue;
        };
        for group in groups {
            of_group(node, &group.group, &mut lags).await;
            if lags.len() >= METRICS_LAGS_MAX {
                lags.truncate(METRICS_LAGS_MAX);
                return lags;
            }
        }
    }
    lags
}

async fn of_group(node: &Arc<Node>, group: &Str, lags: &mut Vec<Lag>) {
    let name = group.clone();
    let input = move |id| GroupInput::FetchOffsets {
        id,
        group: name,
        wanted: None,
    };
    let Ok(GroupReply::Offsets(found)) = node.groups.ask(node, group, input).await else {
        return;
    };
    let each = found.into_iter().flat_map(|(topic, partitions)| {
        let with_topic = partitions.into_iter();
        with_topic.map(move |(index, committed)| (topic.clone(), index, committed))
    });
    for (topic, index, committed) in each {
        let Some(committed) = committed else { continue };
        let Some(partition) = node.partitions.by_name(&topic, index) else {
            continue;
        };
        if !committed.topic_id.is_zero() && committed.topic_id != partition.topic_id {
            continue; // of a topic that is gone
        }
        let Ok(offsets) = partition.offsets() else {
            continue;
        };
        // What retention took away cannot be read any more.
        let from = committed.offset.max(offsets.log_start);
        let records = (offsets.high_watermark - from).max(0);
        let seconds = if records == 0 {
            0.0
        } else {
            age_seconds(&partition, from)
        };
        lags.push(Lag {
            group: group.clone(),
            topic,
            index,
            records,
            seconds,
        });
    }
}

/// Age of the batch that holds an offset.
fn age_seconds(partition: &crate::partition::Partition, offset: i64) -> f64 {
    let Ok((slice, _)) = partition.read(offset, 0, true) else {
        return 0.0;
    };
    let Ok(header) = BatchHeader::parse(&slice.bytes) else {
        return 0.0;
    };
    let age_ms = now_ms().saturating_sub(header.base_timestamp).max(0);
    std::time::Duration::from_millis(age_ms.unsigned_abs()).as_secs_f64()
}
