//! DeleteTopics (key 20).

use mainstem_metadata::control::delete_topics;
use mainstem_protocol::ErrorCode;
use mainstem_protocol::messages::delete_topics_response::DeletableTopicResult;
use mainstem_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse};

use crate::context::{RequestContext, Staged};

/// What the answer about one of them takes.
const ENTRY_BYTES: usize = 384;

pub(crate) async fn handle(
    cx: RequestContext,
    request: DeleteTopicsRequest,
) -> Staged<DeleteTopicsResponse> {
    Staged::pending(async move {
        let entries = request.topic_names.len() + request.topics.len();
        if !cx.answer.take_each(entries, ENTRY_BYTES).await {
            return DeleteTopicsResponse::default();
        }
        let named = request
            .topic_names
            .iter()
            .map(|name| (Some(name.detached()), Default::default()));
        let either = request.topics.iter().map(|topic| {
            (
                topic.name.as_ref().map(|name| name.detached()),
                topic.topic_id,
            )
        });
        let asked: Vec<_> = named.chain(either).collect();
        let refuse_all = move |code: ErrorCode| {
            let responses = asked
                .into_iter()
                .map(|(name, topic_id)| DeletableTopicResult {
                    name,
                    topic_id,
                    error_code: code.code(),
                    error_message: None,
                });
            DeleteTopicsResponse {
                responses: responses.collect(),
                ..DeleteTopicsResponse::default()
            }
        };
        if !cx.node.config.properties.flag("delete.topic.enable") {
            return refuse_all(ErrorCode::TopicDeletionDisabled);
        }
        cx.answer.pause();
        let decided = cx
            .node
            .controller
            .change(move |image| delete_topics(image, &request))
            .await;
        decided.unwrap_or_else(refuse_all)
    })
}
