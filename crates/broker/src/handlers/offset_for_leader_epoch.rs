//! OffsetForLeaderEpoch (key 23): where an epoch ended (KIP-101, KIP-320).

use mainstem_protocol::ErrorCode;
use mainstem_protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderPartition;
use mainstem_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use mainstem_protocol::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};

use super::list_offsets::check_epoch;
use crate::context::{RequestContext, Staged};

/// What the answer about a partition takes.
const ENTRY_BYTES: usize = 64;

pub(crate) async fn handle(
    cx: RequestContext,
    request: OffsetForLeaderEpochRequest,
) -> Staged<OffsetForLeaderEpochResponse> {
    Staged::pending(async move {
        let mut response = OffsetForLeaderEpochResponse::default();
        for topic in request.topics {
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for asked in topic.partitions {
                if !cx.answer.take(ENTRY_BYTES).await {
                    return response;
                }
                let (code, end) = match find(&cx, &topic.topic, &asked) {
                    Ok(end) => (ErrorCode::None, end),
                    Err(code) => (code, None),
                };
                let (leader_epoch, end_offset) = end.unwrap_or((-1, -1));
                partitions.push(EpochEndOffset {
                    error_code: code.code(),
                    partition: asked.partition,
                    leader_epoch,
                    end_offset,
                });
            }
            response.topics.push(OffsetForLeaderTopicResult {
                topic: topic.topic,
                partitions,
            });
        }
        response
    })
}

/// The epoch asked for, or the last one before it, and where it ended.
fn find(
    cx: &RequestContext,
    topic: &str,
    asked: &OffsetForLeaderPartition,
) -> Result<Option<(i32, i64)>, ErrorCode> {
    let partition = cx.node.partitions.by_name(topic, asked.partition);
    let partition = partition.ok_or(ErrorCode::UnknownTopicOrPartition)?;
    check_epoch(&partition, asked.current_leader_epoch)?;
    let end = partition.end_of_epoch(asked.leader_epoch);
    end.map_err(|refusal| refusal.code)
}
