//! DeleteGroups (key 42).

use std::collections::BTreeSet;

use mainstem_coordinator::group::{GroupInput, GroupReply};
use mainstem_protocol::ErrorCode;
use mainstem_protocol::messages::delete_groups_response::DeletableGroupResult;
use mainstem_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse};

use crate::context::{RequestContext, Staged};

/// What the answer about one of them takes.
const ENTRY_BYTES: usize = 128;

pub(crate) async fn handle(
    cx: RequestContext,
    request: DeleteGroupsRequest,
) -> Staged<DeleteGroupsResponse> {
    Staged::pending(async move {
        let entries = request.groups_names.len();
        if !cx.answer.take_each(entries, ENTRY_BYTES).await {
            return DeleteGroupsResponse::default();
        }
        let mut response = DeleteGroupsResponse::default();
        let mut named = BTreeSet::new();
        for group in request.groups_names {
            if !named.insert(group.clone()) {
                continue; // each is answered once
            }
            let name = group.clone();
            cx.answer.pause();
            let asked = cx
                .node
                .groups
                .ask(&cx.node, &group, move |id| GroupInput::Delete {
                    id,
                    group: name,
                })
                .await;
            let code = match asked {
                Ok(GroupReply::Deleted(code)) => code,
                other => other.err().unwrap_or(ErrorCode::UnknownServerError),
            };
            response.results.push(DeletableGroupResult {
                group_id: group,
                error_code: code.code(),
                ..DeletableGroupResult::default()
            });
        }
        response
    })
}
