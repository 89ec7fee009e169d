//! DescribeCluster (key 60).

use mainstem_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use mainstem_protocol::messages::{DescribeClusterRequest, DescribeClusterResponse};
use mainstem_protocol::{ErrorCode, Str};

use crate::authorization;
use crate::context::{RequestContext, Staged};

/// Endpoints of brokers; controllers are asked at another listener.
const BROKERS: i8 = 1;

pub(crate) async fn handle(
    cx: RequestContext,
    request: DescribeClusterRequest,
) -> Staged<DescribeClusterResponse> {
    if cx.version >= 1 && request.endpoint_type != BROKERS {
        let (code, message) = if request.endpoint_type == 2 {
            let what = "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER";
            (ErrorCode::MismatchedEndpointType, what.to_owned())
        } else {
            let what = format!("Unsupported endpoint type {}", request.endpoint_type);
            (ErrorCode::UnsupportedEndpointType, what)
        };
        return Staged::Ready(DescribeClusterResponse {
            error_code: code.code(),
            error_message: Some(Str::from(message)),
            ..DescribeClusterResponse::default()
        });
    }
    let image = cx.node.metadata.load();
    let brokers = image
        .brokers()
        .filter(|broker| !broker.fenced || request.include_fenced_brokers)
        .filter_map(|broker| {
            let endpoint = broker.endpoints.first()?;
            Some(DescribeClusterBroker {
                broker_id: broker.id,
                host: endpoint.host.clone(),
                port: i32::from(endpoint.port),
                rack: broker.rack.clone(),
                is_fenced: broker.fenced,
            })
        });
    Staged::Ready(DescribeClusterResponse {
        error_message: None,
        endpoint_type: BROKERS,
        cluster_id: cx.node.cluster_id.clone(),
        controller_id: cx.node.node_id,
        brokers: brokers.collect(),
        cluster_authorized_operations: authorization::asked(
            request.include_cluster_authorized_operations,
            authorization::CLUSTER,
        ),
        ..DescribeClusterResponse::default()
    })
}
