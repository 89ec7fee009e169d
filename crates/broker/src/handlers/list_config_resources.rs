//! ListConfigResources (key 74): what configurations may belong to (KIP-1142). Version 0 asks for client metrics alone (KIP-714).

use mainstem_metadata::ConfigResource;
use mainstem_protocol::messages::list_config_resources_response::ConfigResource as Listed;
use mainstem_protocol::messages::{ListConfigResourcesRequest, ListConfigResourcesResponse};
use mainstem_protocol::{ErrorCode, Str};

use crate::context::{RequestContext, Staged};

/// Types in the order in which Apache Kafka lists them.
const LISTED: [i8; 5] = [
    ConfigResource::GROUP,
    ConfigResource::CLIENT_METRICS,
    ConfigResource::BROKER_LOGGER,
    ConfigResource::BROKER,
    ConfigResource::TOPIC,
];

pub(crate) async fn handle(
    cx: RequestContext,
    request: ListConfigResourcesRequest,
) -> Staged<ListConfigResourcesResponse> {
    let asked = match (cx.version, request.resource_types.as_slice()) {
        (0, _) => vec![ConfigResource::CLIENT_METRICS],
        (_, []) => LISTED.to_vec(),
        (_, types) => types.to_vec(),
    };
    if asked.iter().any(|asked| !LISTED.contains(asked)) {
        return Staged::Ready(ListConfigResourcesResponse {
            error_code: ErrorCode::UnsupportedVersion.code(),
            ..ListConfigResourcesResponse::default()
        });
    }
    let image = cx.node.metadata.load();
    let mut response = ListConfigResourcesResponse::default();
    for resource_type in LISTED.into_iter().filter(|listed| asked.contains(listed)) {
        let names: Vec<Str> = match resource_type {
            ConfigResource::TOPIC => image.topics().map(|topic| topic.name.clone()).collect(),
            ConfigResource::BROKER | ConfigResource::BROKER_LOGGER => image
                .brokers()
                .filter(|broker| !broker.fenced)
                .map(|broker| Str::from(broker.id.to_string()))
                .collect(),
            _ => image
                .config_resources()
                .filter(|resource| resource.resource_type == resource_type)
                .map(|resource| resource.name.clone())
                .collect(),
        };
        let listed = names.into_iter().map(|resource_name| Listed {
            resource_name,
            resource_type,
        });
        response.config_resources.extend(listed);
    }
    Staged::Ready(response)
}
