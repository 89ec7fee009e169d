//! LeaveGroup (key 13): one member up to version 2, several from 3 on.

use mainstem_coordinator::group::{GroupInput, GroupReply};
use mainstem_protocol::ErrorCode;
use mainstem_protocol::messages::leave_group_request::MemberIdentity;
use mainstem_protocol::messages::{LeaveGroupRequest, LeaveGroupResponse};

use crate::context::{RequestContext, Staged};

pub(crate) async fn handle(
    cx: RequestContext,
    request: LeaveGroupRequest,
) -> Staged<LeaveGroupResponse> {
    Staged::pending(async move {
        let group = request.group_id.clone();
        let members = if cx.version >= 3 {
            request.members
        } else {
            vec![MemberIdentity {
                member_id: request.member_id,
                ..MemberIdentity::default()
            }]
        };
        let name = group.clone();
        let input = move |id| GroupInput::Leave {
            id,
            group: name,
            members,
        };
        let (code, members) = match cx.node.groups.ask(&cx.node, &group, input).await {
            Ok(GroupReply::Leave(code, members)) => (code, members),
            other => (
                other.err().unwrap_or(ErrorCode::UnknownServerError),
                Vec::new(),
            ),
        };
        if cx.version >= 3 {
            return LeaveGroupResponse {
                error_code: code.code(),
                members,
                ..LeaveGroupResponse::default()
            };
        }
        let own = members
            .first()
            .map_or(code.code(), |member| member.error_code);
        LeaveGroupResponse {
            error_code: own,
            ..LeaveGroupResponse::default()
        }
    })
}
