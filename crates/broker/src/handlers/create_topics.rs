//! CreateTopics (key 19).

use mainstem_metadata::control::create_topics;
use mainstem_metadata::limits::PARTITIONS_PER_REQUEST_MAX;
use mainstem_protocol::Str;
use mainstem_protocol::messages::create_topics_response::CreatableTopicResult;
use mainstem_protocol::messages::{CreateTopicsRequest, CreateTopicsResponse};

use crate::clock::random_uuid;
use crate::config::{ValueSource, topic_value};
use crate::context::{RequestContext, Staged};

/// What the answer about one of them takes.
const ENTRY_BYTES: usize = 512;
/// What the configuration of one that is made takes there.
const CONFIGS_BYTES: usize = 8 * 1024;

pub(crate) async fn handle(
    cx: RequestContext,
    request: CreateTopicsRequest,
) -> Staged<CreateTopicsResponse> {
    Staged::pending(async move {
        let entries = request.topics.len();
        // Each that is made takes a partition, and those are limited.
        let made = entries.min(PARTITIONS_PER_REQUEST_MAX.unsigned_abs() as usize);
        let bytes = entries * ENTRY_BYTES + made * CONFIGS_BYTES;
        if !cx.answer.take(bytes).await {
            return CreateTopicsResponse::default();
        }
        let defaults = cx.node.topic_defaults();
        let names: Vec<_> = request
            .topics
            .iter()
            .map(|topic| topic.name.detached())
            .collect();
        cx.answer.pause();
        let decided = cx
            .node
            .controller
            .change(move |image| create_topics(image, &request, defaults, &mut random_uuid))
            .await;
        let answered = decided.map(|response| with_defaults(&cx, response));
        answered.unwrap_or_else(|code| {
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

/// What a topic does not set itself comes from the node's properties.
fn with_defaults(cx: &RequestContext, mut response: CreateTopicsResponse) -> CreateTopicsResponse {
    let properties = cx.node.effective(&cx.node.metadata.load());
    let configs = response.topics.iter_mut();
    let configs = configs.flat_map(|topic| topic.configs.iter_mut().flatten());
    for config in configs.filter(|config| config.config_source == ValueSource::Default as i8) {
        let (value, source) = topic_value(&properties, None, &config.name);
        config.value = Some(Str::from(value));
        config.config_source = source as i8;
    }
    response
}
