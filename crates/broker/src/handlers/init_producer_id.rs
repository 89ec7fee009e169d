//! InitProducerId (key 22): an id for an idempotent producer.

use mainstem_protocol::ErrorCode;
use mainstem_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};

use crate::context::{RequestContext, Staged};

pub(crate) async fn handle(
    cx: RequestContext,
    request: InitProducerIdRequest,
) -> Staged<InitProducerIdResponse> {
    let refuse = |code: ErrorCode| InitProducerIdResponse {
        error_code: code.code(),
        producer_epoch: -1,
        ..InitProducerIdResponse::default()
    };
    if request.transactional_id.is_some() {
        // Not a retriable code: a client would wait for ever for what this node does not serve yet.
        return Staged::Ready(refuse(ErrorCode::InvalidRequest));
    }
    if (request.producer_id == -1) != (request.producer_epoch == -1) {
        // Who has an id has its epoch.
        return Staged::Ready(refuse(ErrorCode::InvalidRequest));
    }
    Staged::pending(async move {
        let node = &cx.node;
        match node
            .producer_ids
            .next(&node.controller, node.node_id, node.broker_epoch())
            .await
        {
            Ok(producer_id) => InitProducerIdResponse {
                producer_id,
                producer_epoch: 0,
                ..InitProducerIdResponse::default()
            },
            Err(_) => refuse(ErrorCode::CoordinatorLoadInProgress),
        }
    })
}
