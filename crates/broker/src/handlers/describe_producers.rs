//! DescribeProducers (key 61): what a partition knows of those who write to it (KIP-664).

use mainstem_metadata::control::check_topic_name;
use mainstem_protocol::messages::describe_producers_response::{
    PartitionResponse, ProducerState, TopicResponse,
};
use mainstem_protocol::messages::{DescribeProducersRequest, DescribeProducersResponse};
use mainstem_protocol::{ErrorCode, Str};
use mainstem_storage::ProducerEntry;

use crate::context::{RequestContext, Staged};

/// What the answer about a partition and about each of its producers takes.
const ENTRY_BYTES: usize = 256;
const PRODUCER_BYTES: usize = 128;

pub(crate) async fn handle(
    cx: RequestContext,
    request: DescribeProducersRequest,
) -> Staged<DescribeProducersResponse> {
    Staged::pending(async move {
        let image = cx.node.metadata.load_full();
        let mut response = DescribeProducersResponse::default();
        for topic in request.topics {
            let is_known = image.topic(&topic.name).is_some();
            let mut partitions = Vec::with_capacity(topic.partition_indexes.len());
            for index in topic.partition_indexes {
                let described = partition(&cx, &topic.name, is_known, index);
                let bytes = described.active_producers.len() * PRODUCER_BYTES;
                if !cx.answer.take(ENTRY_BYTES + bytes).await {
                    return response;
                }
                partitions.push(described);
            }
            response.topics.push(TopicResponse {
                name: topic.name,
                partitions,
            });
        }
        response
    })
}

fn partition(cx: &RequestContext, topic: &str, is_known: bool, index: i32) -> PartitionResponse {
    let refused = |code: ErrorCode, message: Option<&str>| PartitionResponse {
        partition_index: index,
        error_code: code.code(),
        error_message: message.map(Str::from),
        ..PartitionResponse::default()
    };
    if let Err(what) = check_topic_name(topic) {
        return refused(ErrorCode::InvalidTopicException, Some(&what));
    }
    let Some(partition) = cx.node.partitions.by_name(topic, index) else {
        let what = "This server does not host this topic-partition.";
        return refused(
            ErrorCode::UnknownTopicOrPartition,
            (!is_known).then_some(what),
        );
    };
    match partition.producers(state) {
        Ok(active_producers) => PartitionResponse {
            partition_index: index,
            active_producers,
            error_message: None,
            ..PartitionResponse::default()
        },
        Err(refusal) => refused(refusal.code, Some(&refusal.message)),
    }
}

fn state(producer_id: i64, entry: &ProducerEntry) -> ProducerState {
    ProducerState {
        producer_id,
        producer_epoch: i32::from(entry.epoch),
        last_sequence: entry.batches.back().map_or(-1, |batch| batch.last_sequence),
        last_timestamp: entry.last_timestamp,
        coordinator_epoch: entry.coordinator_epoch,
        current_txn_start_offset: entry.open_transaction.unwrap_or(-1),
    }
}
