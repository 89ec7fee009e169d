//! Reading what a fetch wants, within its bytes.

use std::sync::Arc;

use mainstem_protocol::messages::fetch_response::{AbortedTransaction, PartitionData};
use mainstem_protocol::{ErrorCode, RecordBatches};

use super::TopicKey;
use crate::handlers::list_offsets::check_epoch;
use crate::limits::{FETCH_BYTES_MAX, FETCH_BYTES_SHORT, TURN_ENTRIES};
use crate::node::Node;
use crate::partition::{Isolation, Partition};

/// A partition as a fetch wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) topic: TopicKey,
    pub(crate) index: i32,
    pub(crate) offset: i64,
    pub(crate) max_bytes: i32,
    pub(crate) current_leader_epoch: i32,
}

/// What was read of one partition.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) topic: TopicKey,
    pub(crate) data: PartitionData,
}

/// What was read in all.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) found: Vec<Found>,
    /// Bytes of records.
    pub(crate) bytes: usize,
    /// Partitions that are not there. They are told with the answer, which waits for the others: a client that goes on asking for what is
    /// gone would ask without pause.
    pub(crate) missing: usize,
    /// True when a partition that is there cannot be read: the answer must not wait.
    pub(crate) failed: bool,
    /// True when less was read than asked for because memory is short.
    pub(crate) short: bool,
}

/// Finds the partition.
pub(crate) fn partition(node: &Node, wanted: &Wanted) -> Result<Arc<Partition>, ErrorCode> {
    find(node, &wanted.topic, wanted.index)
}

/// The partition of a topic, as a client names it.
pub(crate) fn find(node: &Node, topic: &TopicKey, index: i32) -> Result<Arc<Partition>, ErrorCode> {
    let (found, is_known) = match topic {
        TopicKey::Name(name) => (node.partitions.by_name(name, index), true),
        TopicKey::Id(id) => match node.partitions.by_id(*id, index) {
            None => (None, node.metadata.load().topic_by_id(*id).is_some()),
            found => (found, true),
        },
    };
    found.ok_or(match is_known {
        true => ErrorCode::UnknownTopicOrPartition,
        false => ErrorCode::UnknownTopicId,
    })
}

/// Reads every wanted partition in order until `max_bytes` are reached. The first batch of the first partition that has any comes
/// whatever its size, so that a consumer always gets on (KIP-74).
pub(crate) async fn read_all(
    node: &Node,
    wanted: &[Wanted],
    isolation: Isolation,
    max_bytes: i32,
) -> Read {
    // While memory is short everybody gets on, in small steps.
    let short = node.memory.is_short();
    let most = match short {
        true => FETCH_BYTES_SHORT,
        false => FETCH_BYTES_MAX,
    };
    let mut left = usize::try_from(max_bytes).unwrap_or(0).min(most);
    let mut read = Read {
        found: Vec::with_capacity(wanted.len()),
        bytes: 0,
        missing: 0,
        failed: false,
        short,
    };
    let mut missing = Vec::new();
    for (at, wanted) in wanted.iter().enumerate() {
        turn(at).await;
        let budget = left.min(usize::try_from(wanted.max_bytes).unwrap_or(0));
        let data = match read_one(node, wanted, isolation, budget, read.bytes == 0) {
            Ok(data) => data,
            Err(code) if is_missing(code) => {
                missing.push(found(wanted, failure(wanted.index, code)));
                continue;
            }
            Err(code) => {
                read.failed = true;
                failure(wanted.index, code)
            }
        };
        let bytes = data.records.as_ref().map_or(0, RecordBatches::len);
        read.bytes += bytes;
        left = left.saturating_sub(bytes);
        read.found.push(found(wanted, data));
    }
    // Last, as Apache Kafka tells them.
    read.missing = missing.len();
    read.found.append(&mut missing);
    read
}

fn found(wanted: &Wanted, data: PartitionData) -> Found {
    Found {
        topic: wanted.topic.clone(),
        data,
    }
}

/// What can be read, counted and not read.
#[derive(Debug, Default)]
pub(crate) struct Available {
    /// About how many bytes.
    pub(crate) bytes: usize,
    /// Partitions that are not there.
    pub(crate) missing: usize,
}

/// Counts what is wanted, up to `enough` bytes; `None` when a partition that is there cannot be read.
pub(crate) async fn available(
    node: &Node,
    wanted: &[Wanted],
    isolation: Isolation,
    enough: usize,
) -> Option<Available> {
    let mut counted = Available::default();
    for (at, wanted) in wanted.iter().enumerate() {
        turn(at).await;
        let Ok(partition) = partition(node, wanted) else {
            counted.missing += 1;
            continue;
        };
        check_epoch(&partition, wanted.current_leader_epoch).ok()?;
        let there = partition.available(isolation, wanted.offset).ok()?;
        let most = usize::try_from(wanted.max_bytes).unwrap_or(0);
        counted.bytes += usize::try_from(there).unwrap_or(usize::MAX).min(most);
        if counted.bytes >= enough {
            break;
        }
    }
    Some(counted)
}

/// Of a fetch of very many partitions: the others of this core have a turn now and then.
async fn turn(at: usize) {
    if at % TURN_ENTRIES == TURN_ENTRIES - 1 {
        tokio::task::yield_now().await;
    }
}

fn read_one(
    node: &Node,
    wanted: &Wanted,
    isolation: Isolation,
    budget: usize,
    min_one_batch: bool,
) -> Result<PartitionData, ErrorCode> {
    let partition = partition(node, wanted)?;
    check_epoch(&partition, wanted.current_leader_epoch)?;
    let answer = partition
        .batches(isolation, wanted.offset, budget, min_one_batch)
        .map_err(|refusal| refusal.code)?;
    let aborted = answer.aborted.map(|aborted| {
        let told = aborted.into_iter().map(|aborted| AbortedTransaction {
            producer_id: aborted.producer_id,
            first_offset: aborted.first_offset,
        });
        told.collect()
    });
    Ok(PartitionData {
        partition_index: wanted.index,
        high_watermark: answer.offsets.high_watermark,
        last_stable_offset: answer.offsets.last_stable,
        log_start_offset: answer.offsets.log_start,
        records: Some(answer.records),
        aborted_transactions: aborted,
        ..PartitionData::default()
    })
}

fn is_missing(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::UnknownTopicOrPartition | ErrorCode::UnknownTopicId
    )
}

fn failure(index: i32, code: ErrorCode) -> PartitionData {
    PartitionData {
        partition_index: index,
        error_code: code.code(),
        high_watermark: -1,
        last_stable_offset: -1,
        log_start_offset: -1,
        records: Some(RecordBatches::default()),
        aborted_transactions: is_missing(code).then(Vec::new),
        ..PartitionData::default()
    }
}
