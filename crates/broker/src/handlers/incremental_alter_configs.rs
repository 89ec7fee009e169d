//! IncrementalAlterConfigs (key 44).

use mainstem_metadata::MetadataImage;
use mainstem_metadata::control::incremental_alter_configs;
use mainstem_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use mainstem_protocol::messages::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};

use crate::config::check_change;
use crate::context::{RequestContext, Staged};

/// What the answer about one of them takes.
const ENTRY_BYTES: usize = 384;

pub(crate) async fn handle(
    cx: RequestContext,
    request: IncrementalAlterConfigsRequest,
) -> Staged<IncrementalAlterConfigsResponse> {
    Staged::pending(async move {
        let entries = request.resources.len();
        if !cx.answer.take_each(entries, ENTRY_BYTES).await {
            return IncrementalAlterConfigsResponse::default();
        }
        let asked = request
            .resources
            .iter()
            .map(|resource| (resource.resource_type, resource.resource_name.detached()));
        let asked: Vec<_> = asked.collect();
        let node = cx.node.clone();
        let decide = move |image: &MetadataImage| {
            incremental_alter_configs(image, &request, &|image, resource, after| {
                let given = &node.config.properties;
                check_change(given, node.node_id, image, resource, after)
            })
        };
        cx.answer.pause();
        let decided = cx.node.controller.change(decide).await;
        decided.unwrap_or_else(|code| {
            let responses = asked.into_iter().map(|(resource_type, resource_name)| {
                AlterConfigsResourceResponse {
                    error_code: code.code(),
                    error_message: None,
                    resource_type,
                    resource_name,
                }
            });
            IncrementalAlterConfigsResponse {
                responses: responses.collect(),
                ..IncrementalAlterConfigsResponse::default()
            }
        })
    })
}
