//! ListGroups (key 16), by state (KIP-518) and by type (KIP-848).

use std::collections::HashSet;

use mainstem_coordinator::group::{GroupInput, GroupReply};
use mainstem_protocol::Str;
use mainstem_protocol::messages::list_groups_response::ListedGroup;
use mainstem_protocol::messages::{ListGroupsRequest, ListGroupsResponse};

use crate::context::{RequestContext, Staged};

const CLASSIC: &str = "classic";

/// What is wanted, in small letters and each once; everything when nothing is said.
struct Filter(HashSet<String>);

impl Filter {
    fn new<'a>(wanted: impl Iterator<Item = &'a str>) -> Self {
        Self(wanted.map(str::to_ascii_lowercase).collect())
    }

    fn admits(&self, value: &str) -> bool {
        self.0.is_empty() || self.0.contains(&value.to_ascii_lowercase())
    }
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
        if !Filter::new(request.types_filter.iter().map(Str::as_str)).admits(CLASSIC) {
            return response;
        }
        // States are trimmed as Java trims, types are not.
        let states = request.states_filter.iter();
        let states = states.map(|state| state.trim_matches(|c: char| c <= ' '));
        let states = Filter::new(states);
        for reply in replies {
            let GroupReply::List(groups) = reply else {
                continue;
            };
            let wanted = groups
                .into_iter()
                .filter(|group| states.admits(group.state));
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
