//! DeleteRecords (key 21): the log begins later. What was answered holds after a crash, so the checkpoint is written before.

use mainstem_protocol::ErrorCode;
use mainstem_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use mainstem_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};

use mainstem_metadata::is_internal;

use crate::context::{RequestContext, Staged};

pub(crate) async fn handle(
    cx: RequestContext,
    request: DeleteRecordsRequest,
) -> Staged<DeleteRecordsResponse> {
    Staged::pending(async move {
        let delete = |topic: &str, index: i32, offset: i64| -> Result<i64, ErrorCode> {
            let partition = cx
                .node
                .partitions
                .by_name(topic, index)
                .ok_or(ErrorCode::UnknownTopicOrPartition)?;
            if is_internal(topic) {
                return Err(ErrorCode::InvalidTopicException);
            }
            partition
                .delete_records(offset)
                .map_err(|refusal| refusal.code)
        };
        let mut topics = Vec::with_capacity(request.topics.len());
        for topic in &request.topics {
            let partitions = topic.partitions.iter().map(|asked| {
                let (low_watermark, code) =
                    match delete(&topic.name, asked.partition_index, asked.offset) {
                        Ok(start) => (start, ErrorCode::None),
                        Err(code) => (-1, code),
                    };
                DeleteRecordsPartitionResult {
                    partition_index: asked.partition_index,
                    low_watermark,
                    error_code: code.code(),
                }
            });
            topics.push(DeleteRecordsTopicResult {
                name: topic.name.clone(),
                partitions: partitions.collect(),
            });
        }
        // Files are written and synced: not on the thread that serves everybody else.
        let node = cx.node.clone();
        let written = tokio::task::spawn_blocking(move || node.checkpoint()).await;
        if let Err(error) = written.map_err(std::io::Error::other).flatten() {
            tracing::error!(%error, "the new log starts could not be written");
            for result in topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
                result.error_code = ErrorCode::KafkaStorageError.code();
            }
        }
        DeleteRecordsResponse {
            topics,
            ..DeleteRecordsResponse::default()
        }
    })
}
