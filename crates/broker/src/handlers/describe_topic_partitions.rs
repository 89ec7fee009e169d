//! DescribeTopicPartitions (key 75): topics in the order of their names, a page at a time (KIP-966).

use std::collections::BTreeSet;

use mainstem_metadata::{MetadataImage, PartitionState, Topic, is_internal};
use mainstem_protocol::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use mainstem_protocol::messages::{
    DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
};
use mainstem_protocol::{ErrorCode, Str};

use super::metadata::unknown_topic_code;
use crate::authorization;
use crate::context::{RequestContext, Staged};

/// What the answer about a topic takes beside its partitions.
const ENTRY_BYTES: usize = 256;

pub(crate) async fn handle(
    cx: RequestContext,
    request: DescribeTopicPartitionsRequest,
) -> Staged<DescribeTopicPartitionsResponse> {
    let limit = cx
        .node
        .config
        .properties
        .number("max.request.partition.size.limit");
    let limit = i64::from(request.response_partition_limit)
        .min(limit)
        .max(1);
    let limit = usize::try_from(limit).unwrap_or(1);
    Staged::pending(async move {
        // Those that are there are limited; the others are answered all at once.
        match cx.answer.take_each(request.topics.len(), ENTRY_BYTES).await {
            true => page(&cx.node.metadata.load(), &request, limit),
            false => DescribeTopicPartitionsResponse::default(),
        }
    })
}

/// The partitions from the cursor on, at most `limit`. For `limit` 4 and topics a (3 partitions) and b (5): a-0, a-1, a-2, b-0, and the
/// cursor b-1.
fn page(
    image: &MetadataImage,
    request: &DescribeTopicPartitionsRequest,
    limit: usize,
) -> DescribeTopicPartitionsResponse {
    let (from_topic, from_index) = match &request.cursor {
        Some(cursor) => match usize::try_from(cursor.partition_index) {
            Ok(index) => (cursor.topic_name.as_str(), index),
            Err(_) => return invalid(request),
        },
        None => ("", 0),
    };
    let all = request.topics.is_empty();
    let mut asked = request.topics.iter();
    if !all && request.cursor.is_some() && !asked.any(|topic| topic.name.as_str() == from_topic) {
        return invalid(request);
    }
    let names: BTreeSet<&Str> = if all {
        image.topics().map(|topic| &topic.name).collect()
    } else {
        request.topics.iter().map(|topic| &topic.name).collect()
    };
    let mut response = DescribeTopicPartitionsResponse::default();
    let mut left = limit;
    for name in names.into_iter().filter(|name| name.as_str() >= from_topic) {
        if left == 0 {
            response.next_cursor = Some(cursor(name, 0));
            break;
        }
        let Some(topic) = image.topic(name) else {
            response.topics.push(unknown(name));
            continue;
        };
        let from = if name.as_str() == from_topic {
            from_index
        } else {
            0
        };
        let described = described(topic, from, left);
        let count = described.partitions.len();
        left -= count;
        response.topics.push(described);
        if from + count < topic.partitions.len() {
            response.next_cursor = Some(cursor(name, from + count));
            break;
        }
    }
    response
}

fn cursor(topic: &Str, index: usize) -> Cursor {
    Cursor {
        topic_name: topic.clone(),
        partition_index: i32::try_from(index).unwrap_or(i32::MAX),
    }
}

fn invalid(request: &DescribeTopicPartitionsRequest) -> DescribeTopicPartitionsResponse {
    let topics = request
        .topics
        .iter()
        .map(|topic| DescribeTopicPartitionsResponseTopic {
            error_code: ErrorCode::InvalidRequest.code(),
            name: Some(topic.name.clone()),
            ..DescribeTopicPartitionsResponseTopic::default()
        });
    DescribeTopicPartitionsResponse {
        topics: topics.collect(),
        ..DescribeTopicPartitionsResponse::default()
    }
}

fn unknown(name: &Str) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic {
        error_code: unknown_topic_code(name).code(),
        name: Some(name.clone()),
        is_internal: is_internal(name),
        topic_authorized_operations: authorization::TOPIC,
        ..DescribeTopicPartitionsResponseTopic::default()
    }
}

fn described(topic: &Topic, from: usize, limit: usize) -> DescribeTopicPartitionsResponseTopic {
    let partitions = (0..)
        .zip(&topic.partitions)
        .skip(from)
        .take(limit)
        .map(|(index, state)| partition(index, state));
    DescribeTopicPartitionsResponseTopic {
        error_code: 0,
        name: Some(topic.name.clone()),
        topic_id: topic.id,
        is_internal: topic.is_internal(),
        partitions: partitions.collect(),
        topic_authorized_operations: authorization::TOPIC,
    }
}

fn partition(index: i32, state: &PartitionState) -> DescribeTopicPartitionsResponsePartition {
    let code = if state.leader < 0 {
        ErrorCode::LeaderNotAvailable
    } else {
        ErrorCode::None
    };
    DescribeTopicPartitionsResponsePartition {
        error_code: code.code(),
        partition_index: index,
        leader_id: state.leader,
        leader_epoch: state.leader_epoch,
        replica_nodes: state.replicas.clone(),
        isr_nodes: state.isr.clone(),
        eligible_leader_replicas: Some(Vec::new()),
        last_known_elr: Some(Vec::new()),
        offline_replicas: Vec::new(),
    }
}
