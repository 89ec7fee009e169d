//! DeleteRecords (key 21): the log begins later. What was answered holds after a crash, so the checkpoint is written before.

use std::time::Duration;

use mainstem_protocol::ErrorCode;
use mainstem_protocol::messages::delete_records_request::DeleteRecordsPartition;
use mainstem_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use mainstem_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};

use mainstem_metadata::is_internal;
use tokio::time::Instant;

use crate::context::{RequestContext, Staged};

/// What an entry of the answer takes, as a value and as bytes.
const ENTRY_BYTES: usize = 64;

pub(crate) async fn handle(
    cx: RequestContext,
    request: DeleteRecordsRequest,
) -> Staged<DeleteRecordsResponse> {
    Staged::pending(async move {
        let timeout = u64::try_from(request.timeout_ms).unwrap_or(0);
        let deadline = Instant::now() + Duration::from_millis(timeout);
        let mut topics = Vec::with_capacity(request.topics.len());
        for topic in request.topics {
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for asked in topic.partitions {
                if !cx.answer.take(ENTRY_BYTES).await {
                    return DeleteRecordsResponse::default();
                }
                let (low_watermark, code) = match delete(&cx, &topic.name, &asked, deadline).await {
                    Ok(start) => (start, ErrorCode::None),
                    Err(code) => (-1, code),
                };
                partitions.push(DeleteRecordsPartitionResult {
                    partition_index: asked.partition_index,
                    low_watermark,
                    error_code: code.code(),
                });
            }
            topics.push(DeleteRecordsTopicResult {
                name: topic.name,
                partitions,
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

/// Moves the start of a partition's log; the new start. What was acknowledged with acks = 1 may not be committed yet: it is waited for.
async fn delete(
    cx: &RequestContext,
    topic: &str,
    asked: &DeleteRecordsPartition,
    deadline: Instant,
) -> Result<i64, ErrorCode> {
    let partition = cx.node.partitions.by_name(topic, asked.partition_index);
    let partition = partition.ok_or(ErrorCode::UnknownTopicOrPartition)?;
    if is_internal(topic) {
        return Err(ErrorCode::InvalidTopicException);
    }
    partition.check_deletion().map_err(|refusal| refusal.code)?;
    let log_end = partition.offsets().map_err(|refusal| refusal.code)?.log_end;
    let upto = match asked.offset {
        -1 => log_end,
        offset => offset.min(log_end),
    };
    cx.answer.pause();
    tokio::time::timeout_at(deadline, partition.committed(upto, cx.core))
        .await
        .map_err(|_| ErrorCode::RequestTimedOut)??;
    partition
        .delete_records(if asked.offset == -1 {
            upto
        } else {
            asked.offset
        })
        .map_err(|refusal| refusal.code)
}
