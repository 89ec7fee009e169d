//! OffsetCommit (key 8): topics by name up to version 9, by id from 10 on.

use mainstem_coordinator::group::{CommitPartition, CommitRequest, GroupInput, GroupReply};
use mainstem_metadata::{MetadataImage, Topic};
use mainstem_protocol::ErrorCode;
use mainstem_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use mainstem_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};

use crate::context::{RequestContext, Staged};

pub(crate) async fn handle(
    cx: RequestContext,
    request: OffsetCommitRequest,
) -> Staged<OffsetCommitResponse> {
    Staged::pending(async move {
        let image = cx.node.metadata.load_full();
        let mut plan = plan(&image, &request, cx.version >= 10);
        if plan.partitions.is_empty() {
            return plan.response; // the group is not asked, and none comes into being
        }
        let group = request.group_id.clone();
        let commit = CommitRequest {
            group: request.group_id,
            member: request.member_id,
            instance: request.group_instance_id,
            generation: request.generation_id_or_member_epoch,
            retention_ms: request.retention_time_ms,
            partitions: plan.partitions,
        };
        let asked = cx
            .node
            .groups
            .ask(&cx.node, &group, move |id| GroupInput::Commit {
                id,
                request: commit,
            })
            .await;
        let codes = match asked {
            Ok(GroupReply::Commit(codes)) => codes
                .into_iter()
                .map(|code| said(cx.version, code))
                .collect(),
            other => vec![other.err().unwrap_or(ErrorCode::UnknownServerError); plan.places.len()],
        };
        for ((topic, partition), code) in plan.places.into_iter().zip(codes) {
            let topic = plan.response.topics.get_mut(topic);
            if let Some(answer) = topic.and_then(|topic| topic.partitions.get_mut(partition)) {
                answer.error_code = code.code();
            }
        }
        plan.response
    })
}

/// A group that is not there has no generations: before version 9 that is all that can be said.
fn said(version: i16, code: ErrorCode) -> ErrorCode {
    match code {
        ErrorCode::GroupIdNotFound if version < 9 => ErrorCode::IllegalGeneration,
        other => other,
    }
}

/// What goes to the shard, and where in the response each answer belongs. Partitions that do not exist are answered already.
struct Plan {
    response: OffsetCommitResponse,
    partitions: Vec<CommitPartition>,
    places: Vec<(usize, usize)>,
}

fn plan(image: &MetadataImage, request: &OffsetCommitRequest, by_id: bool) -> Plan {
    let unknown = if by_id {
        ErrorCode::UnknownTopicId
    } else {
        ErrorCode::UnknownTopicOrPartition
    };
    let mut plan = Plan {
        response: OffsetCommitResponse::default(),
        partitions: Vec::new(),
        places: Vec::new(),
    };
    for topic in &request.topics {
        let found = if by_id {
            image.topic_by_id(topic.topic_id)
        } else {
            image.topic(&topic.name)
        };
        let mut answers = Vec::with_capacity(topic.partitions.len());
        for asked in &topic.partitions {
            let code = match found {
                None => unknown,
                Some(found) if !has_partition(found, asked.partition_index) => {
                    ErrorCode::UnknownTopicOrPartition
                }
                Some(found) => {
                    plan.places
                        .push((plan.response.topics.len(), answers.len()));
                    plan.partitions.push(CommitPartition {
                        topic: found.name.clone(),
                        topic_id: found.id,
                        partition: asked.partition_index,
                        offset: asked.committed_offset,
                        leader_epoch: asked.committed_leader_epoch,
                        metadata: asked.committed_metadata.clone().unwrap_or_default(),
                    });
                    ErrorCode::None
                }
            };
            let error_code = code.code();
            answers.push(OffsetCommitResponsePartition {
                partition_index: asked.partition_index,
                error_code,
            });
        }
        plan.response.topics.push(OffsetCommitResponseTopic {
            name: topic.name.clone(),
            topic_id: topic.topic_id,
            partitions: answers,
        });
    }
    plan
}

pub(super) fn has_partition(topic: &Topic, index: i32) -> bool {
    usize::try_from(index).is_ok_and(|index| index < topic.partitions.len())
}
