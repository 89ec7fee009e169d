//! ListOffsets (key 2): the first, the last, or an offset by time.
//!
//! The end of a log is told only when everything that was appended when the question came is committed, so that a client whose records
//! were acknowledged with acks = 1 finds them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Instant;

use mainstem_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use mainstem_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use mainstem_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};
use mainstem_protocol::{ErrorCode, Str};
use mainstem_storage::{GoesOn, TimestampedOffset};

use crate::context::{RequestContext, Staged};
use crate::limits::TIME_SEARCH_MAX;
use crate::partition::{Isolation, Partition, Refusal};

/// Timestamps with a meaning of their own.
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

/// What the answer about a partition takes.
const ENTRY_BYTES: usize = 128;

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

/// The partitions of a request, each once and those of a topic together, as Apache Kafka answers them. What is named more than once is
/// refused and comes as `None`.
type Asked = Vec<(Str, Vec<(i32, Option<ListOffsetsPartition>)>)>;

fn each_once(topics: Vec<ListOffsetsTopic>) -> Asked {
    let mut asked: Asked = Vec::with_capacity(topics.len());
    let mut places: HashMap<Str, (usize, HashMap<i32, usize>)> = HashMap::new();
    for topic in topics {
        let (at, seen) = places.entry(topic.name.clone()).or_insert_with(|| {
            asked.push((topic.name, Vec::with_capacity(topic.partitions.len())));
            (asked.len() - 1, HashMap::new())
        });
        let Some((_, partitions)) = asked.get_mut(*at) else {
            continue;
        };
        for partition in topic.partitions {
            let index = partition.partition_index;
            match seen.entry(index) {
                Entry::Vacant(place) => {
                    place.insert(partitions.len());
                    partitions.push((index, Some(partition)));
                }
                Entry::Occupied(place) => {
                    if let Some((_, again)) = partitions.get_mut(*place.get()) {
                        *again = None;
                    }
                }
            }
        }
    }
    asked
}

pub(crate) async fn handle(
    cx: RequestContext,
    request: ListOffsetsRequest,
) -> Staged<ListOffsetsResponse> {
    Staged::pending(async move {
        let mut response = ListOffsetsResponse::default();
        let isolation = Isolation::from_level(request.isolation_level);
        for (name, asked) in each_once(request.topics) {
            let mut partitions = Vec::with_capacity(asked.len());
            for (index, asked) in asked {
                if !cx.answer.take(ENTRY_BYTES).await {
                    return response;
                }
                let found = match asked {
                    None => Err(ErrorCode::InvalidRequest),
                    Some(asked) if cx.version < first_version(asked.timestamp) => {
                        Err(ErrorCode::UnsupportedVersion)
                    }
                    Some(asked) => find(&cx, &name, &asked, isolation).await,
                };
                partitions.push(match found {
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
            response
                .topics
                .push(ListOffsetsTopicResponse { name, partitions });
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

/// Searches records without holding up the core: whatever headers claim, batch after batch may have to be unpacked.
async fn search(
    cx: &RequestContext,
    partition: Arc<Partition>,
    search: impl FnOnce(&Partition, GoesOn<'_>) -> Result<Option<TimestampedOffset>, Refusal>
    + Send
    + 'static,
) -> Result<Option<TimestampedOffset>, ErrorCode> {
    let permit = cx.node.time_searches.clone().acquire_owned().await;
    let waits = Arc::new(());
    let is_waited_for = Arc::downgrade(&waits);
    let searched = tokio::task::spawn_blocking(move || {
        // Until the end, also when nobody waits for it any more.
        let _permit = permit;
        let began = Instant::now();
        search(&partition, &|| {
            is_waited_for.strong_count() > 0 && began.elapsed() < TIME_SEARCH_MAX
        })
    });
    let searched = searched.await;
    drop(waits);
    let found = searched.map_err(|_| ErrorCode::UnknownServerError)?;
    found.map_err(|refusal| refusal.code)
}

/// Timestamp, offset and leader epoch; -1 for what there is not.
async fn find(
    cx: &RequestContext,
    topic: &str,
    asked: &ListOffsetsPartition,
    isolation: Isolation,
) -> Result<(i64, i64, i32), ErrorCode> {
    let partition = cx.node.partitions.by_name(topic, asked.partition_index);
    let partition = partition.ok_or(ErrorCode::UnknownTopicOrPartition)?;
    check_epoch(&partition, asked.current_leader_epoch)?;
    let offsets = || partition.offsets().map_err(|refusal| refusal.code);
    cx.answer.pause();
    let none = (-1, -1, -1);
    match asked.timestamp {
        EARLIEST | EARLIEST_LOCAL => {
            let start = offsets()?.log_start;
            let epoch = partition.epoch_of(start);
            return Ok((-1, start, epoch.unwrap_or(partition.leader_epoch)));
        }
        LATEST_TIERED | EARLIEST_PENDING_UPLOAD => return Ok(none),
        _ => partition.committed(offsets()?.log_end, cx.core).await?,
    }
    let found = match asked.timestamp {
        LATEST => return Ok((-1, isolation.end(&offsets()?), partition.leader_epoch)),
        MAX_TIMESTAMP => {
            let of_max = Partition::offset_of_max_timestamp;
            search(cx, partition.clone(), of_max).await?
        }
        timestamp => {
            let by_time = move |partition: &Partition, goes_on: GoesOn<'_>| {
                partition.offset_by_time(timestamp, goes_on)
            };
            search(cx, partition.clone(), by_time).await?
        }
    };
    // Where it ends is asked last: what was found was committed meanwhile.
    let end = isolation.end(&offsets()?);
    let seen = found.filter(|found| found.offset < end);
    Ok(seen.map_or(none, |found| {
        (found.timestamp, found.offset, found.leader_epoch)
    }))
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
