//! DeleteAcls (key 31): there is no authorizer, as in an Apache Kafka without one.

use mainstem_protocol::messages::delete_acls_response::DeleteAclsFilterResult;
use mainstem_protocol::messages::{DeleteAclsRequest, DeleteAclsResponse};
use mainstem_protocol::{ErrorCode, Str};

use crate::context::{RequestContext, Staged};

pub(crate) async fn handle(
    _cx: RequestContext,
    request: DeleteAclsRequest,
) -> Staged<DeleteAclsResponse> {
    let has_unknown = request.filters.iter().any(|filter| {
        let kinds = [
            filter.resource_type_filter,
            filter.pattern_type_filter,
            filter.operation,
            filter.permission_type,
        ];
        kinds.contains(&0)
    });
    // 0 stands for "unknown": Apache Kafka cannot even read such a request.
    if has_unknown {
        return Staged::Close;
    }
    let results = request.filters.iter().map(|_| DeleteAclsFilterResult {
        error_code: ErrorCode::SecurityDisabled.code(),
        error_message: Some(Str::from_static("No Authorizer is configured.")),
        ..DeleteAclsFilterResult::default()
    });
    Staged::Ready(DeleteAclsResponse {
        filter_results: results.collect(),
        ..DeleteAclsResponse::default()
    })
}
