//! ListPartitionReassignments (key 46): none, since replicas do not move between the brokers of one node.

use mainstem_protocol::messages::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
};

use crate::context::{RequestContext, Staged};

pub(crate) async fn handle(
    _cx: RequestContext,
    _request: ListPartitionReassignmentsRequest,
) -> Staged<ListPartitionReassignmentsResponse> {
    Staged::Ready(ListPartitionReassignmentsResponse {
        error_message: None,
        ..ListPartitionReassignmentsResponse::default()
    })
}
