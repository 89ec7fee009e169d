//! AlterPartitionReassignments (key 45).

use mainstem_metadata::control::alter_partition_reassignments;
use mainstem_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse,
};

use crate::context::{RequestContext, Staged};

pub(crate) async fn handle(
    cx: RequestContext,
    request: AlterPartitionReassignmentsRequest,
) -> Staged<AlterPartitionReassignmentsResponse> {
    let image = cx.node.metadata.load();
    Staged::Ready(alter_partition_reassignments(&image, &request))
}
