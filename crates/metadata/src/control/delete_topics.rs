//! DeleteTopics (key 20).

use std::collections::BTreeSet;

use mainstem_protocol::messages::delete_topics_response::DeletableTopicResult;
use mainstem_protocol::messages::{
    DeleteTopicsRequest, DeleteTopicsResponse, MetadataRecord, RemoveTopicRecord,
};
use mainstem_protocol::{ErrorCode, Str, Uuid};

use super::Decision;
use crate::{MetadataImage, Topic};

/// How a request names a topic: by name (to version 5) or by name or id (from version 6).
type Named = (Option<Str>, Uuid);

type Refusal = (ErrorCode, &'static str);

/// The topics that are named, each once, and the names that are given more than once.
fn named(request: &DeleteTopicsRequest) -> (Vec<Named>, BTreeSet<Named>) {
    let by_name = request
        .topic_names
        .iter()
        .map(|name| (Some(name.clone()), Uuid::ZERO));
    let by_either = request
        .topics
        .iter()
        .map(|topic| (topic.name.clone(), topic.topic_id));
    let mut seen = BTreeSet::new();
    let mut repeated = BTreeSet::new();
    let mut once = Vec::new();
    for named in by_name.chain(by_either) {
        if seen.insert(named.clone()) {
            once.push(named);
        } else {
            repeated.insert(named);
        }
    }
    (once, repeated)
}

fn find<'a>(
    image: &'a MetadataImage,
    named: &Named,
    is_repeated: bool,
) -> Result<&'a Topic, Refusal> {
    let (name, id) = named;
    let invalid = |what| Err((ErrorCode::InvalidRequest, what));
    match (name, id.is_zero()) {
        (Some(_), false) => invalid("You may not specify both topic name and topic id."),
        (None, true) => invalid("Neither topic name nor id were specified."),
        (Some(_), true) if is_repeated => invalid("Duplicate topic name."),
        (None, false) if is_repeated => invalid("Duplicate topic id."),
        (Some(name), true) => image.topic(name).map(|topic| &**topic).ok_or((
            ErrorCode::UnknownTopicOrPartition,
            "This server does not host this topic-partition.",
        )),
        (None, false) => image.topic_by_id(*id).map(|topic| &**topic).ok_or((
            ErrorCode::UnknownTopicId,
            "This server does not host this topic ID.",
        )),
    }
}

/// Decides on each topic by itself.
pub fn delete_topics(
    image: &MetadataImage,
    request: &DeleteTopicsRequest,
) -> Decision<DeleteTopicsResponse> {
    let mut records: Vec<MetadataRecord> = Vec::new();
    let mut responses = Vec::new();
    let (asked, repeated) = named(request);
    let is_asked_by_id = |topic: &Topic| asked.contains(&(None, topic.id));
    let is_asked_by_name = |topic: &Topic| asked.contains(&(Some(topic.name.clone()), Uuid::ZERO));
    for named in &asked {
        let (name, id) = named;
        let refused = |topic_id: Uuid, (code, what): Refusal| DeletableTopicResult {
            name: name.as_ref().map(Str::detached),
            topic_id,
            error_code: code.code(),
            error_message: Some(Str::from_static(what)),
        };
        match find(image, named, repeated.contains(named)) {
            Ok(topic) if is_asked_by_id(topic) && is_asked_by_name(topic) => {
                // Told once, under the name.
                if name.is_some() {
                    let what = "The provided topic name maps to an ID that was already supplied.";
                    responses.push(refused(topic.id, (ErrorCode::InvalidRequest, what)));
                }
            }
            Ok(topic) => {
                records.push(RemoveTopicRecord { topic_id: topic.id }.into());
                responses.push(DeletableTopicResult {
                    name: Some(topic.name.clone()),
                    topic_id: topic.id,
                    error_message: None,
                    ..DeletableTopicResult::default()
                });
            }
            Err(refusal) => responses.push(refused(*id, refusal)),
        }
    }
    Decision {
        records,
        response: DeleteTopicsResponse {
            responses,
            ..DeleteTopicsResponse::default()
        },
    }
}
