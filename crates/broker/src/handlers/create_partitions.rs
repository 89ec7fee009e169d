//! CreatePartitions (key 37).

use mainstem_metadata::control::create_partitions;
use mainstem_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use mainstem_protocol::messages::{CreatePartitionsRequest, CreatePartitionsResponse};

use crate::context::{RequestContext, Staged};

/// What the answer about one of them takes.
const ENTRY_BYTES: usize = 384;

pub(crate) async fn handle(
    cx: RequestContext,
    request: CreatePartitionsRequest,
) -> Staged<CreatePartitionsResponse> {
    Staged::pending(async move {
        let entries = request.topics.len();
        if !cx.answer.take_each(entries, ENTRY_BYTES).await {
            return CreatePartitionsResponse::default();
        }
        let names: Vec<_> = request
            .topics
            .iter()
            .map(|topic| topic.name.detached())
            .collect();
        cx.answer.pause();
        let decided = cx
            .node
            .controller
            .change(move |image| create_partitions(image, &request))
            .await;
        decided.unwrap_or_else(|code| {
            let results = names.into_iter().map(|name| CreatePartitionsTopicResult {
                name,
                error_code: code.code(),
                error_message: None,
            });
            CreatePartitionsResponse {
                results: results.collect(),
                ..CreatePartitionsResponse::default()
            }
        })
    })
}
