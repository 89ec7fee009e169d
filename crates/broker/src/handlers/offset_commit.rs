//! OffsetCommit (key 8): topics by name up to version 9, by id from 10 on.

use std::collections::HashMap;

use mainstem_coordinator::group::{CommitPartition, CommitRequest, GroupInput, GroupReply};
use mainstem_metadata::{MetadataImage, Topic};
use mainstem_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use mainstem_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};
use mainstem_protocol::{ErrorCode, Str, Uuid};

use crate::context::{RequestContext, Staged};

pub(crate) async fn handle(
    cx: RequestContext,
    request: OffsetCommitRequest,
) -> Staged<OffsetCommitResponse> {
    Staged::pending(async move {
        let image = cx.node.metadata.load_full();
        let Plan {
            answers,
            known,
            partitions,
        } = plan(&image, &request, cx.version >= 10);
        if partitions.is_empty() {
            return answers.response; // the group is not asked, and none comes into being
        }
        let (group, asked_for) = (request.group_id.clone(), partitions.len());
        let commit = CommitRequest {
            group: request.group_id,
            member: request.member_id,
            instance: request.group_instance_id,
            generation: request.generation_id_or_member_epoch,
            retention_ms: request.retention_time_ms,
            partitions,
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
            other => vec![other.err().unwrap_or(ErrorCode::UnknownServerError); asked_for],
        };
        answers.with_known(known, codes)
    })
}

/// A group that is not there has no generations: before version 9 that is all that can be said.
fn said(version: i16, code: ErrorCode) -> ErrorCode {
    match code {
        ErrorCode::GroupIdNotFound if version < 9 => ErrorCode::IllegalGeneration,
        other => other,
    }
}

/// What goes to the shard, and the answers of what does not exist.
struct Plan {
    answers: Answers,
    /// The topics of `partitions`, with the numbers of each.
    known: Vec<(Str, Uuid, Vec<i32>)>,
    partitions: Vec<CommitPartition>,
}

/// The response that grows, in Apache Kafka's order: what does not exist comes first, each topic once, and the rest goes into those
/// topics or behind them. Where everything exists the topics stand as they were asked for.
#[derive(Default)]
struct Answers {
    response: OffsetCommitResponse,
    places: HashMap<(Str, Uuid), usize>,
}

impl Answers {
    /// The place of a topic, which is made if it is not there.
    fn topic(&mut self, name: &Str, topic_id: Uuid) -> &mut Vec<OffsetCommitResponsePartition> {
        let topics = &mut self.response.topics;
        let key = (name.clone(), topic_id);
        let at = *self.places.entry(key).or_insert(topics.len());
        if at == topics.len() {
            topics.push(OffsetCommitResponseTopic {
                name: name.clone(),
                topic_id,
                ..OffsetCommitResponseTopic::default()
            });
        }
        &mut topics[at].partitions
    }

    fn with_known(
        mut self,
        known: Vec<(Str, Uuid, Vec<i32>)>,
        codes: Vec<ErrorCode>,
    ) -> OffsetCommitResponse {
        let merges = !self.response.topics.is_empty();
        let mut codes = codes.into_iter();
        for (name, topic_id, partitions) in known {
            if !merges {
                self.places.clear();
            }
            let answers = partitions.into_iter().zip(codes.by_ref());
            let answers = answers.map(|(index, code)| answer(index, code));
            self.topic(&name, topic_id).extend(answers);
        }
        self.response
    }
}

fn answer(partition_index: i32, code: ErrorCode) -> OffsetCommitResponsePartition {
    OffsetCommitResponsePartition {
        partition_index,
        error_code: code.code(),
    }
}

fn plan(image: &MetadataImage, request: &OffsetCommitRequest, by_id: bool) -> Plan {
    let mut plan = Plan {
        answers: Answers::default(),
        known: Vec::new(),
        partitions: Vec::new(),
    };
    for topic in &request.topics {
        let found = if by_id {
            image.topic_by_id(topic.topic_id)
        } else {
            image.topic(&topic.name)
        };
        let Some(found) = found else {
            let unknown = if by_id {
                ErrorCode::UnknownTopicId
            } else {
                ErrorCode::UnknownTopicOrPartition
            };
            let asked = topic.partitions.iter();
            let refused = asked.map(|asked| answer(asked.partition_index, unknown));
            let answers = plan.answers.topic(&topic.name, topic.topic_id);
            answers.extend(refused);
            continue;
        };
        let mut known = Vec::with_capacity(topic.partitions.len());
        for asked in &topic.partitions {
            let index = asked.partition_index;
            if !has_partition(found, index) {
                let answers = plan.answers.topic(&topic.name, topic.topic_id);
                answers.push(answer(index, ErrorCode::UnknownTopicOrPartition));
                continue;
            }
            known.push(index);
            plan.partitions.push(CommitPartition {
                topic: found.name.clone(),
                topic_id: found.id,
                partition: index,
                offset: asked.committed_offset,
                leader_epoch: asked.committed_leader_epoch,
                metadata: asked.committed_metadata.clone().unwrap_or_default(),
            });
        }
        if !known.is_empty() {
            let topic = (topic.name.clone(), topic.topic_id, known);
            plan.known.push(topic);
        }
    }
    plan
}

pub(super) fn has_partition(topic: &Topic, index: i32) -> bool {
    usize::try_from(index).is_ok_and(|index| index < topic.partitions.len())
}
