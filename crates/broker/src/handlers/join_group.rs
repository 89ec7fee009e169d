//! JoinGroup (key 11).

use mainstem_coordinator::group::{Client, GroupInput, GroupReply};
use mainstem_protocol::messages::{JoinGroupRequest, JoinGroupResponse};
use mainstem_protocol::{ErrorCode, Str};

use crate::context::{RequestContext, Staged};

pub(crate) async fn handle(
    cx: RequestContext,
    request: JoinGroupRequest,
) -> Staged<JoinGroupResponse> {
    Staged::pending(async move {
        let client = Client {
            id: cx.client_id.clone().unwrap_or_default(),
            host: cx.client_host.clone(),
        };
        let (group, member, version) = (
            request.group_id.clone(),
            request.member_id.clone(),
            cx.version,
        );
        let input = move |id| GroupInput::Join {
            id,
            version,
            client,
            request,
        };
        let mut response = match cx.node.groups.ask(&cx.node, &group, input).await {
            Ok(GroupReply::Join(response)) => response,
            other => refused(other.err().unwrap_or(ErrorCode::UnknownServerError), member),
        };
        if version < 7 && response.protocol_name.is_none() {
            response.protocol_name = Some(Str::EMPTY); // not nullable before
        }
        response
    })
}

/// Only what is wrong with the request itself is said to the member by its id.
fn refused(code: ErrorCode, member: Str) -> JoinGroupResponse {
    let names_member = matches!(
        code,
        ErrorCode::InvalidGroupId | ErrorCode::InvalidSessionTimeout
    );
    JoinGroupResponse {
        error_code: code.code(),
        member_id: if names_member { member } else { Str::EMPTY },
        ..JoinGroupResponse::default()
    }
}
