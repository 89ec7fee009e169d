//! FindCoordinator (key 10): who coordinates a group. On one node it is always this one; the topic of offsets is made on demand.

use mainstem_metadata::control::create_topics;
use mainstem_protocol::messages::find_coordinator_response::Coordinator;
use mainstem_protocol::messages::{
    CreateTopicsRequest, FindCoordinatorRequest, FindCoordinatorResponse,
};
use mainstem_protocol::{ErrorCode, Str};

use crate::clock::random_uuid;
use crate::context::{RequestContext, Staged};
use crate::node::OFFSETS_TOPIC;

/// Key type of groups; 1 is for transactions, 2 for share groups.
const GROUP: i8 = 0;

/// What the answer about a key takes.
const ENTRY_BYTES: usize = 256;

pub(crate) async fn handle(
    cx: RequestContext,
    request: FindCoordinatorRequest,
) -> Staged<FindCoordinatorResponse> {
    Staged::pending(async move {
        let keys = if cx.version >= 4 {
            request.coordinator_keys
        } else {
            vec![request.key]
        };
        if !cx.answer.take_each(keys.len(), ENTRY_BYTES).await {
            return FindCoordinatorResponse::default();
        }
        let is_group = request.key_type == GROUP;
        let available = !is_group || ensure_topic(&cx).await;
        let image = cx.node.metadata.load();
        let endpoint = image
            .broker(cx.node.node_id)
            .and_then(|broker| broker.endpoints.first());
        let answers = keys.into_iter().map(|key| {
            let found = match endpoint {
                _ if !is_group => Err((
                    ErrorCode::InvalidRequest,
                    "only groups have a coordinator here so far",
                )),
                Some(endpoint) if available => Ok(endpoint),
                _ => Err((
                    ErrorCode::CoordinatorNotAvailable,
                    "the topic of offsets cannot be made",
                )),
            };
            match found {
                Ok(endpoint) => Coordinator {
                    key,
                    node_id: cx.node.node_id,
                    host: endpoint.host.clone(),
                    port: i32::from(endpoint.port),
                    error_code: 0,
                    // Apache Kafka's words for "no error", in each version.
                    error_message: Some(Str::from_static(if cx.version >= 4 {
                        ""
                    } else {
                        "NONE"
                    })),
                },
                Err((code, message)) => Coordinator {
                    key,
                    node_id: -1,
                    host: Str::EMPTY,
                    port: -1,
                    error_code: code.code(),
                    error_message: Some(Str::from_static(message)),
                },
            }
        });
        let mut answers: Vec<Coordinator> = answers.collect();
        if cx.version >= 4 {
            return FindCoordinatorResponse {
                coordinators: answers,
                error_message: None,
                ..FindCoordinatorResponse::default()
            };
        }
        let only = answers.pop().unwrap_or_default();
        FindCoordinatorResponse {
            error_code: only.error_code,
            error_message: only.error_message,
            node_id: only.node_id,
            host: only.host,
            port: only.port,
            ..FindCoordinatorResponse::default()
        }
    })
}

/// Makes the topic of offsets if it is not there; true when it is.
async fn ensure_topic(cx: &RequestContext) -> bool {
    if cx.node.metadata.load().topic(OFFSETS_TOPIC).is_some() {
        return true;
    }
    cx.answer.pause();
    let Some(topic) = cx.node.internal_topic(OFFSETS_TOPIC) else {
        return false;
    };
    let defaults = cx.node.topic_defaults();
    let request = CreateTopicsRequest {
        topics: vec![topic],
        ..CreateTopicsRequest::default()
    };
    let decided = cx
        .node
        .controller
        .change(move |image| create_topics(image, &request, defaults, &mut random_uuid))
        .await;
    decided.is_ok() && cx.node.metadata.load().topic(OFFSETS_TOPIC).is_some()
}
