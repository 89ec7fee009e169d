//! CreateTopics (key 19).

use mainstem_metadata::control::create_topics;
use mainstem_protocol::messages::create_topics_response::CreatableTopicResult;
use mainstem_protocol::messages::{CreateTopicsRequest, CreateTopicsResponse};

use crate::clock::random_uuid;
use crate::context::{RequestContext, Staged};

pub(crate) async fn handle(
    cx: RequestContext,
    request: CreateTopicsRequest,
) -> Staged<CreateTopicsResponse> {
    Staged::pending(async move {
        let defaults = cx.node.topic_defaults();
        let names: Vec<_> = request
            .topics
            .iter()
            .map(|topic| topic.name.detached())
            .collect();
        let decided = cx
            .node
            .controller
            .change(move |image| create_topics(image, &request, defaults, &mut random_uuid))
            .await;
        decided.unwrap_or_else(|code| {
            let topics = names.into_iter().map(|name| CreatableTopicResult {
                name,
                error_code: code.code(),
                configs: None,
                ..CreatableTopicResult::default()
            });
            CreateTopicsResponse {
                topics: topics.collect(),
                ..CreateTopicsResponse::default()
            }
        })
    })
}
