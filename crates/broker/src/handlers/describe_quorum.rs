//! DescribeQuorum (key 55): the one voter of the metadata log, this node (KIP-595, KIP-836, KIP-853).

use mainstem_metadata::METADATA_TOPIC;
use mainstem_protocol::messages::describe_quorum_response::{
    Listener, Node, PartitionData, ReplicaState, TopicData,
};
use mainstem_protocol::messages::{DescribeQuorumRequest, DescribeQuorumResponse};
use mainstem_protocol::{ErrorCode, Str};

use crate::clock::now_ms;
use crate::context::{RequestContext, Staged};

/// First version in which errors have words and nodes have listeners.
const WORDS: i16 = 2;

/// What the answer about a partition that is not there takes.
const ENTRY_BYTES: usize = 256;

pub(crate) async fn handle(
    cx: RequestContext,
    request: DescribeQuorumRequest,
) -> Staged<DescribeQuorumResponse> {
    let is_valid = matches!(request.topics.as_slice(), [topic]
        if topic.topic_name == *METADATA_TOPIC
            && matches!(topic.partitions.as_slice(), [asked] if asked.partition_index == 0));
    if is_valid {
        return Staged::Ready(described(&cx));
    }
    Staged::pending(async move {
        let partitions = request.topics.iter().map(|topic| topic.partitions.len());
        let entries = request.topics.len() + partitions.sum::<usize>();
        match cx.answer.take_each(entries, ENTRY_BYTES).await {
            true => unknown(cx.version, &request),
            false => DescribeQuorumResponse::default(),
        }
    })
}

fn unknown(version: i16, request: &DescribeQuorumRequest) -> DescribeQuorumResponse {
    let what = if version >= WORDS {
        "This server does not host this topic-partition."
    } else {
        ""
    };
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| PartitionData {
            partition_index: asked.partition_index,
            error_code: ErrorCode::UnknownTopicOrPartition.code(),
            error_message: Some(Str::from_static(what)),
            ..PartitionData::default()
        });
        TopicData {
            topic_name: topic.topic_name.clone(),
            partitions: partitions.collect(),
        }
    });
    DescribeQuorumResponse {
        topics: topics.collect(),
        ..DescribeQuorumResponse::default()
    }
}

fn described(cx: &RequestContext) -> DescribeQuorumResponse {
    let image = cx.node.metadata.load();
    let log_end = image.at.offset + 1;
    let now_ms = if cx.version >= 1 { now_ms() } else { -1 };
    let voter = ReplicaState {
        replica_id: cx.node.node_id,
        log_end_offset: log_end,
        last_fetch_timestamp: now_ms,
        last_caught_up_timestamp: now_ms,
        ..ReplicaState::default()
    };
    let endpoints = image
        .broker(cx.node.node_id)
        .map(|broker| broker.endpoints.clone())
        .unwrap_or_default();
    let listeners = endpoints.into_iter().map(|endpoint| Listener {
        name: endpoint.name,
        host: endpoint.host,
        port: endpoint.port,
    });
    let nodes = vec![Node {
        node_id: cx.node.node_id,
        listeners: listeners.collect(),
    }];
    DescribeQuorumResponse {
        topics: vec![TopicData {
            topic_name: Str::from_static(METADATA_TOPIC),
            partitions: vec![PartitionData {
                leader_id: cx.node.node_id,
                leader_epoch: image.at.epoch,
                high_watermark: log_end,
                current_voters: vec![voter],
                ..PartitionData::default()
            }],
        }],
        nodes: if cx.version >= WORDS {
            nodes
        } else {
            Vec::new()
        },
        ..DescribeQuorumResponse::default()
    }
}
