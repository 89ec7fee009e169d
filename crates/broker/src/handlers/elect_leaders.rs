//! ElectLeaders (key 43).

use mainstem_metadata::control::elect_leaders;
use mainstem_protocol::messages::{ElectLeadersRequest, ElectLeadersResponse};

use crate::context::{RequestContext, Staged};

pub(crate) async fn handle(
    cx: RequestContext,
    request: ElectLeadersRequest,
) -> Staged<ElectLeadersResponse> {
    let image = cx.node.metadata.load();
    Staged::Ready(elect_leaders(&image, &request))
}
