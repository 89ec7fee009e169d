//! ListOffsets (key 2): the first, the last, or an offset by time.
//!
//! The end of a log is told only when everything that was appended when the question came is committed, so that a client whose records
//! were acknowledged with acks = 1 finds them.

use std::collections::BTreeSet;
use std::sync::Arc;

use mainstem_protocol::ErrorCode;
use mainstem_protocol::messages::list_offsets_request::ListOffsetsPartition;
use mainstem_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use mainstem_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};
use mainstem_storage::TimestampedOffset;

use crate::context::{RequestContext, Staged};
use crate::partition::{Isolation, Partition};
use crate::wakes::RuntimeId;

/// Timestamps with a meaning of their own.
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

/// The first version in which a timestamp has its meaning.
fn first_version(timestamp: i64) -> i16 {
    match timestamp {
        LATEST | EARLIEST | 0.. => 0,
        MAX_TIMESTAMP => 7,
        EARLIEST_LOCAL => 8,
        LATEST_TIERED => 9,
        EARLIEST_PENDING_UPLOAD => 11,
        _ => i16::MAX,
    }
}

/// The partitions that are named more than once; they are refused.
fn repeated(partitions: &[ListOffsetsPartition]) -> BTreeSet<i32> {
    let mut seen = BTreeSet::new();
    let indexes = partitions.iter().map(|asked| asked.partition_index);
    indexes.filter(|index| !seen.insert(*index)).collect()
}

pub(crate) async fn handle(
    cx: RequestContext,
    request: ListOffsetsRequest,
) -> Staged<ListOffsetsResponse> {
    Staged::pending(async move {
        let mut response = ListOffsetsResponse::default();
        let isolation = Isolation::from_level(request.isolation_level);
        for topic in request.topics {
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            let repeated = repeated(&topic.partitions);
            let mut refused = BTreeSet::new();
            for asked in topic.partitions {
                if repeated.contains(&asked.partition_index) {
                    if refused.insert(asked.partition_index) {
                        let code = ErrorCode::InvalidRequest;
                        partitions.push(refusal(asked.partition_index, code));
                    }
                    continue;
                }
                if cx.version < first_version(asked.timestamp) {
                    let code = ErrorCode::UnsupportedVersion;
                    partitions.push(refusal(asked.partition_index, code));
                    continue;
                }
                let partition = cx
                    .node
                    .partitions
                    .by_name(&topic.name, asked.partition_index);
                let index = asked.partition_index;
                partitions.push(match find(partition, &asked, isolation, cx.core).await {
                    Ok(found) => ListOffsetsPartitionResponse {
                        partition_index: index,
                        timestamp: found.0,
                        offset: found.1,
                        // Older versions cannot carry it.
                        leader_epoch: if cx.version >= 4 { found.2 } else { -1 },
                        ..ListOffsetsPartitionResponse::default()
                    },
                    Err(code) => refusal(index, code),
                });
            }
            response.topics.push(ListOffsetsTopicResponse {
                name: topic.name,
                partitions,
            });
        }
        response
    })
}

fn refusal(partition_index: i32, code: ErrorCode) -> ListOffsetsPartitionResponse {
    ListOffsetsPartitionResponse {
        partition_index,
        error_code: code.code(),
        ..ListOffsetsPartitionResponse::default()
    }
}

/// Timestamp, offset and leader epoch; -1 for what there is not.
async fn find(
    partition: Option<Arc<Partition>>,
    asked: &ListOffsetsPartition,
    isolation: Isolation,
    runtime: RuntimeId,
) -> Result<(i64, i64, i32), ErrorCode> {
    let partition = partition.ok_or(ErrorCode::UnknownTopicOrPartition)?;
    check_epoch(&partition, asked.current_leader_epoch)?;
    let offsets = partition.offsets().map_err(|refusal| refusal.code)?;
    let none = (-1, -1, -1);
    let seen = |found: &TimestampedOffset| {
        isolation == Isolation::Uncommitted || found.offset < offsets.last_stable
    };
    match asked.timestamp {
        EARLIEST | EARLIEST_LOCAL => {
            let start = offsets.log_start;
            Ok((
                -1,
                start,
                partition.epoch_of(start).unwrap_or(partition.leader_epoch),
            ))
        }
        LATEST => {
            partition.committed(offsets.log_end, runtime).await?;
            let offsets = partition.offsets().map_err(|refusal| refusal.code)?;
            Ok((-1, isolation.end(&offsets), partition.leader_epoch))
        }
        MAX_TIMESTAMP => {
            partition.committed(offsets.log_end, runtime).await?;
            let found = partition
                .offset_of_max_timestamp()
                .map_err(|refusal| refusal.code)?;
            Ok(found.filter(seen).map_or(none, |found| {
                (found.timestamp, found.offset, found.leader_epoch)
            }))
        }
        LATEST_TIERED | EARLIEST_PENDING_UPLOAD => Ok(none),
        timestamp => {
            partition.committed(offsets.log_end, runtime).await?;
            let found = partition
                .offset_by_time(timestamp)
                .map_err(|refusal| refusal.code)?;
            Ok(found.filter(seen).map_or(none, |found| {
                (found.timestamp, found.offset, found.leader_epoch)
            }))
        }
    }
}

/// Compares the epoch that a client believes in with ours; -1 means that it does not say.
pub(crate) fn check_epoch(partition: &Partition, believed: i32) -> Result<(), ErrorCode> {
    match believed {
        -1 => Ok(()),
        believed if believed < partition.leader_epoch => Err(ErrorCode::FencedLeaderEpoch),
        believed if believed > partition.leader_epoch => Err(ErrorCode::UnknownLeaderEpoch),
        _ => Ok(()),
    }
}
