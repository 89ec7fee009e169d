//! DescribeGroups (key 15).

use mainstem_coordinator::group::{GroupDescription, GroupInput, GroupReply};
use mainstem_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use mainstem_protocol::messages::{DescribeGroupsRequest, DescribeGroupsResponse};
use mainstem_protocol::{ErrorCode, Str};

use crate::authorization;
use crate::context::{RequestContext, Staged};

/// What the answer about a group or a member takes beside its texts.
const ENTRY_BYTES: usize = 512;

pub(crate) async fn handle(
    cx: RequestContext,
    request: DescribeGroupsRequest,
) -> Staged<DescribeGroupsResponse> {
    Staged::pending(async move {
        let operations =
            authorization::asked(request.include_authorized_operations, authorization::GROUP);
        let mut response = DescribeGroupsResponse::default();
        for group in request.groups {
            let name = group.clone();
            cx.answer.pause();
            let asked = cx
                .node
                .groups
                .ask(&cx.node, &group, move |id| GroupInput::Describe {
                    id,
                    group: name,
                })
                .await;
            let mut answer = match asked {
                Ok(GroupReply::Described(Some(description))) => described(group, description),
                Ok(GroupReply::Described(None)) => missing(cx.version, group),
                other => DescribedGroup {
                    error_code: other.err().unwrap_or(ErrorCode::UnknownServerError).code(),
                    group_id: group,
                    ..DescribedGroup::default()
                },
            };
            if answer.error_code == ErrorCode::None.code() {
                answer.authorized_operations = operations;
            }
            if !cx.answer.take(answer_bytes(&answer)).await {
                return response;
            }
            response.groups.push(answer);
        }
        response
    })
}

/// What an answer takes, as values and as bytes.
fn answer_bytes(answer: &DescribedGroup) -> usize {
    let message = answer.error_message.as_ref().map_or(0, |text| text.len());
    let members = answer.members.iter().map(|member| {
        let bytes = member.member_metadata.len() + member.member_assignment.len();
        ENTRY_BYTES + member.client_host.len() + 2 * bytes
    });
    ENTRY_BYTES + 2 * (answer.group_id.len() + message) + members.sum::<usize>()
}

/// A group that does not exist is "Dead" without an error, until version 6 says so (KIP-1043).
fn missing(version: i16, group: Str) -> DescribedGroup {
    let mut answer = DescribedGroup {
        group_state: Str::from_static("Dead"),
        ..DescribedGroup::default()
    };
    if version >= 6 {
        answer.error_code = ErrorCode::GroupIdNotFound.code();
        answer.error_message = Some(Str::from(format!("Group {group} not found.")));
    }
    answer.group_id = group;
    answer
}

fn described(group_id: Str, description: GroupDescription) -> DescribedGroup {
    let members = description
        .members
        .into_iter()
        .map(|member| DescribedGroupMember {
            member_id: member.id,
            group_instance_id: member.instance,
            client_id: member.client_id,
            client_host: member.client_host,
            member_metadata: member.metadata,
            member_assignment: member.assignment,
        });
    DescribedGroup {
        group_id,
        group_state: Str::from_static(description.state),
        protocol_type: description.protocol_type,
        protocol_data: description.protocol,
        members: members.collect(),
        ..DescribedGroup::default()
    }
}
