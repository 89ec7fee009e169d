//! DeleteTopics (key 20).

use mainstem_protocol::messages::delete_topics_response::DeletableTopicResult;
use mainstem_protocol::messages::{
    DeleteTopicsRequest, DeleteTopicsResponse, MetadataRecord, RemoveTopicRecord,
};
use mainstem_protocol::{ErrorCode, Str, Uuid};

use super::Decision;
use crate::MetadataImage;

/// Decides on each topic, named by name (to version 5) or by name or id (from version 6).
pub fn delete_topics(
    image: &MetadataImage,
    request: &DeleteTopicsRequest,
) -> Decision<DeleteTopicsResponse> {
    let mut records: Vec<MetadataRecord> = Vec::new();
    let mut responses = Vec::new();
    let mut gone: Vec<Uuid> = Vec::new();
    let by_name = request
        .topic_names
        .iter()
        .map(|name| (Some(name.clone()), Uuid::ZERO));
    let by_either = request
        .topics
        .iter()
        .map(|topic| (topic.name.clone(), topic.topic_id));
    for (name, id) in by_name.chain(by_either) {
        let topic = match (&name, id.is_zero()) {
            (Some(name), true) => image.topic(name).ok_or(ErrorCode::UnknownTopicOrPartition),
            (None, false) => image.topic_by_id(id).ok_or(ErrorCode::UnknownTopicId),
            _ => Err(ErrorCode::InvalidRequest),
        };
        let topic = topic.and_then(|topic| {
            if gone.contains(&topic.id) {
                Err(ErrorCode::InvalidRequest)
            } else {
                Ok(topic)
            }
        });
        responses.push(match topic {
            Ok(topic) => {
                gone.push(topic.id);
                records.push(RemoveTopicRecord { topic_id: topic.id }.into());
                DeletableTopicResult {
                    name: Some(topic.name.clone()),
                    topic_id: topic.id,
                    error_message: None,
                    ..DeletableTopicResult::default()
                }
            }
            Err(code) => DeletableTopicResult {
                name: name.map(|name| name.detached()),
                topic_id: id,
                error_code: code.code(),
                error_message: Some(Str::from_static(message(code))),
            },
        });
    }
    Decision {
        records,
        response: DeleteTopicsResponse {
            responses,
            ..DeleteTopicsResponse::default()
        },
    }
}

fn message(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::UnknownTopicId => "This server does not host this topic ID.",
        ErrorCode::UnknownTopicOrPartition => "This server does not host this topic-partition.",
        _ => "A topic must be named once, by its name or by its id.",
    }
}
