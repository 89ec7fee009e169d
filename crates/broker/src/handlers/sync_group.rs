//! SyncGroup (key 14).

use mainstem_coordinator::group::{GroupInput, GroupReply};
use mainstem_protocol::ErrorCode;
use mainstem_protocol::messages::{SyncGroupRequest, SyncGroupResponse};

use crate::context::{RequestContext, Staged};

pub(crate) async fn handle(
    cx: RequestContext,
    request: SyncGroupRequest,
) -> Staged<SyncGroupResponse> {
    Staged::pending(async move {
        let refuse = |code: ErrorCode| SyncGroupResponse {
            error_code: code.code(),
            ..SyncGroupResponse::default()
        };
        // From version 5 on the client must say which protocol it means (KIP-559).
        if cx.version >= 5 && (request.protocol_type.is_none() || request.protocol_name.is_none()) {
            return refuse(ErrorCode::InconsistentGroupProtocol);
        }
        let group = request.group_id.clone();
        match cx
            .node
            .groups
            .ask(&cx.node, &group, move |id| GroupInput::Sync { id, request })
            .await
        {
            Ok(GroupReply::Sync(response)) => response,
            other => refuse(other.err().unwrap_or(ErrorCode::UnknownServerError)),
        }
    })
}
