//! UpdateFeatures (key 57).

use mainstem_metadata::control::update_features;
use mainstem_protocol::messages::{UpdateFeaturesRequest, UpdateFeaturesResponse};

use crate::context::{RequestContext, Staged};

pub(crate) async fn handle(
    cx: RequestContext,
    request: UpdateFeaturesRequest,
) -> Staged<UpdateFeaturesResponse> {
    let image = cx.node.metadata.load();
    Staged::Ready(update_features(
        &image,
        cx.node.node_id,
        cx.version,
        &request,
    ))
}
