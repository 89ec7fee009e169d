//! AlterReplicaLogDirs (key 34): a node has one data directory, where every replica is already.

use mainstem_protocol::ErrorCode;
use mainstem_protocol::messages::alter_replica_log_dirs_response::{
    AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult,
};
use mainstem_protocol::messages::{AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse};

use crate::context::{RequestContext, Staged};

/// What the answer about a topic, and about a partition, takes.
const ENTRY_BYTES: usize = 128;
const PARTITION_BYTES: usize = 16;

pub(crate) async fn handle(
    cx: RequestContext,
    request: AlterReplicaLogDirsRequest,
) -> Staged<AlterReplicaLogDirsResponse> {
    Staged::pending(async move {
        let mut response = AlterReplicaLogDirsResponse::default();
        for dir in &request.dirs {
            if !cx.answer.take(ENTRY_BYTES).await {
                return response;
            }
            let here = cx.node.log_dirs.is_at(&dir.path);
            for topic in &dir.topics {
                let bytes = ENTRY_BYTES + topic.partitions.len() * PARTITION_BYTES;
                if !cx.answer.take(bytes).await {
                    return response;
                }
                let partitions = topic.partitions.iter().map(|index| {
                    let code = if !here {
                        ErrorCode::LogDirNotFound
                    } else if cx.node.partitions.by_name(&topic.name, *index).is_none() {
                        ErrorCode::UnknownTopicOrPartition
                    } else {
                        ErrorCode::None
                    };
                    AlterReplicaLogDirPartitionResult {
                        partition_index: *index,
                        error_code: code.code(),
                    }
                });
                response.results.push(AlterReplicaLogDirTopicResult {
                    topic_name: topic.name.clone(),
                    partitions: partitions.collect(),
                });
            }
        }
        response
    })
}
