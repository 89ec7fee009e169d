//! OffsetDelete (key 47).

use mainstem_coordinator::group::{GroupInput, GroupReply};
use mainstem_protocol::ErrorCode;
use mainstem_protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use mainstem_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

use super::offset_commit::has_partition;
use crate::context::{RequestContext, Staged};

pub(crate) async fn handle(
    cx: RequestContext,
    request: OffsetDeleteRequest,
) -> Staged<OffsetDeleteResponse> {
    Staged::pending(async move {
        let image = cx.node.metadata.load_full();
        let mut response = OffsetDeleteResponse::default();
        let mut partitions = Vec::new();
        let mut places = Vec::new();
        for topic in &request.topics {
            let found = image.topic(&topic.name);
            let mut answers = Vec::with_capacity(topic.partitions.len());
            for asked in &topic.partitions {
                let known = found.is_some_and(|found| has_partition(found, asked.partition_index));
                if known {
                    places.push((response.topics.len(), answers.len()));
                    partitions.push((topic.name.clone(), asked.partition_index));
                }
                let code = if known {
                    ErrorCode::None
                } else {
                    ErrorCode::UnknownTopicOrPartition
                };
                answers.push(OffsetDeleteResponsePartition {
                    partition_index: asked.partition_index,
                    error_code: code.code(),
                });
            }
            response.topics.push(OffsetDeleteResponseTopic {
                name: topic.name.clone(),
                partitions: answers,
            });
        }
        let group = request.group_id.clone();
        let input = move |id| GroupInput::DeleteOffsets {
            id,
            group: request.group_id,
            partitions,
        };
        let (code, codes) = match cx.node.groups.ask(&cx.node, &group, input).await {
            Ok(GroupReply::DeletedOffsets(code, codes)) => (code, codes),
            other => (
                other.err().unwrap_or(ErrorCode::UnknownServerError),
                Vec::new(),
            ),
        };
        if code.is_error() {
            return OffsetDeleteResponse {
                error_code: code.code(),
                ..OffsetDeleteResponse::default()
            };
        }
        for ((topic, partition), code) in places.into_iter().zip(codes) {
            if let Some(answer) = response
                .topics
                .get_mut(topic)
                .and_then(|topic| topic.partitions.get_mut(partition))
            {
                answer.error_code = code.code();
            }
        }
        response
    })
}
