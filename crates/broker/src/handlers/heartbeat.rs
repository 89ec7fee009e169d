//! Heartbeat (key 12).

use mainstem_coordinator::group::{GroupInput, GroupReply};
use mainstem_protocol::ErrorCode;
use mainstem_protocol::messages::{HeartbeatRequest, HeartbeatResponse};

use crate::context::{RequestContext, Staged};

pub(crate) async fn handle(
    cx: RequestContext,
    request: HeartbeatRequest,
) -> Staged<HeartbeatResponse> {
    Staged::pending(async move {
        let group = request.group_id.clone();
        let code = match cx
            .node
            .groups
            .ask(&cx.node, &group, move |id| GroupInput::Heartbeat {
                id,
                request,
            })
            .await
        {
            Ok(GroupReply::Heartbeat(code)) => code,
            other => other.err().unwrap_or(ErrorCode::UnknownServerError),
        };
        HeartbeatResponse {
            error_code: code.code(),
            ..HeartbeatResponse::default()
        }
    })
}
