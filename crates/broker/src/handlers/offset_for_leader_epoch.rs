//! OffsetForLeaderEpoch (key 23): where an epoch ended (KIP-101, KIP-320).

use mainstem_protocol::ErrorCode;
use mainstem_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use mainstem_protocol::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};

use super::list_offsets::check_epoch;
use crate::context::{RequestContext, Staged};

pub(crate) async fn handle(
    cx: RequestContext,
    request: OffsetForLeaderEpochRequest,
) -> Staged<OffsetForLeaderEpochResponse> {
    let find = |topic: &str,
                index: i32,
                believed: i32,
                epoch: i32|
     -> Result<Option<(i32, i64)>, ErrorCode> {
        let partition = cx
            .node
            .partitions
            .by_name(topic, index)
            .ok_or(ErrorCode::UnknownTopicOrPartition)?;
        check_epoch(&partition, believed)?;
        partition
            .end_of_epoch(epoch)
            .map_err(|refusal| refusal.code)
    };
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            let found = find(
                &topic.topic,
                asked.partition,
                asked.current_leader_epoch,
                asked.leader_epoch,
            );
            let (code, end) = match found {
                Ok(end) => (ErrorCode::None, end),
                Err(code) => (code, None),
            };
            let (leader_epoch, end_offset) = end.unwrap_or((-1, -1));
            EpochEndOffset {
                error_code: code.code(),
                partition: asked.partition,
                leader_epoch,
                end_offset,
            }
        });
        OffsetForLeaderTopicResult {
            topic: topic.topic.clone(),
            partitions: partitions.collect(),
        }
    });
    Staged::Ready(OffsetForLeaderEpochResponse {
        topics: topics.collect(),
        ..OffsetForLeaderEpochResponse::default()
    })
}
