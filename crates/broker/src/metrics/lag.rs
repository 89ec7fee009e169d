//! How far each group is behind, in records and in time.

use std::sync::Arc;
use std::time::Duration;

use mainstem_coordinator::group::{CommittedOffset, GroupInput, GroupReply};
use mainstem_protocol::Str;
use mainstem_protocol::batch::TimestampType;

use crate::clock::now_ms;
use crate::limits::METRICS_LAGS_MAX;
use crate::node::Node;
use crate::partition::Partition;

/// A group on a partition.
#[derive(Debug)]
pub(super) struct Lag {
    pub(super) group: Str,
    pub(super) topic: Str,
    pub(super) index: i32,
    /// Records that can be read and are not committed.
    pub(super) records: i64,
    /// Age of the oldest of them; 0 when there is none, `None` when its batch does not tell.
    pub(super) seconds: Option<f64>,
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
    // The heads of batches are read: not on the thread that accepts connections and hears heartbeats.
    let (of_blocking, name) = (node.clone(), group.clone());
    let room = METRICS_LAGS_MAX.saturating_sub(lags.len());
    let counted = tokio::task::spawn_blocking(move || {
        let found = each.filter_map(|(topic, index, committed)| {
            let partition = of_blocking.partitions.by_name(&topic, index)?;
            of_partition(&name, &partition, &committed?)
        });
        found.take(room).collect::<Vec<_>>()
    });
    lags.extend(counted.await.unwrap_or_default());
}

fn of_partition(group: &Str, partition: &Partition, committed: &CommittedOffset) -> Option<Lag> {
    if !committed.topic_id.is_zero() && committed.topic_id != partition.topic_id {
        return None; // of a topic that is gone
    }
    let offsets = partition.offsets().ok()?;
    // What retention took away cannot be read any more.
    let from = committed.offset.max(offsets.log_start);
    let records = (offsets.high_watermark - from).max(0);
    let seconds = match records {
        0 => Some(0.0),
        _ => age_seconds(partition, from),
    };
    Some(Lag {
        group: group.clone(),
        topic: partition.topic.clone(),
        index: partition.index,
        records,
        seconds,
    })
}

/// Age of the batch that holds an offset; `None` when it does not tell.
fn age_seconds(partition: &Partition, offset: i64) -> Option<f64> {
    let header = partition.header(offset).ok().flatten()?;
    let written_ms = match header.attributes.timestamp_type() {
        TimestampType::CreateTime => header.base_timestamp,
        TimestampType::LogAppendTime => header.max_timestamp,
    };
    let since = u64::try_from(written_ms).ok()?;
    let now = u64::try_from(now_ms()).ok()?;
    Some(Duration::from_millis(now.saturating_sub(since)).as_secs_f64())
}
