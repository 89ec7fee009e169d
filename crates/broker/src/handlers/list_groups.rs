//! ListGroups (key 16), by state (KIP-518) and by type (KIP-848).

use mainstem_coordinator::group::{GroupInput, GroupReply};
use mainstem_protocol::Str;
use mainstem_protocol::messages::list_groups_response::ListedGroup;
use mainstem_protocol::messages::{ListGroupsRequest, ListGroupsResponse};

use crate::context::{RequestContext, Staged};

const CLASSIC: &str = "classic";

fn is_among(filter: &[Str], value: &str) -> bool {
    filter.is_empty()
        || filter
            .iter()
            .any(|wanted| wanted.eq_ignore_ascii_case(value))
}

pub(crate) async fn handle(
    cx: RequestContext,
    request: ListGroupsRequest,
) -> Staged<ListGroupsResponse> {
    Staged::pending(async move {
        let replies = match cx
            .node
            .groups
            .ask_all(&cx.node, |id| GroupInput::List { id })
            .await
        {
            Ok(replies) => replies,
            Err(code) => {
                return ListGroupsResponse {
                    error_code: code.code(),
                    ..ListGroupsResponse::default()
                };
            }
        };
        let mut response = ListGroupsResponse::default();
        if !is_among(&request.types_filter, CLASSIC) {
            return response;
        }
        for reply in replies {
            let GroupReply::List(groups) = reply else {
                continue;
            };
            let wanted = groups
                .into_iter()
                .filter(|group| is_among(&request.states_filter, group.state));
            response.groups.extend(wanted.map(|group| ListedGroup {
                group_id: group.group,
                protocol_type: group.protocol_type,
                group_state: Str::from_static(group.state),
                group_type: Str::from_static(CLASSIC),
            }));
        }
        response
    })
}
