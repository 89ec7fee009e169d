//! CreateAcls (key 30): there is no authorizer, as in an Apache Kafka without one.

use mainstem_protocol::messages::create_acls_response::AclCreationResult;
use mainstem_protocol::messages::{CreateAclsRequest, CreateAclsResponse};
use mainstem_protocol::{ErrorCode, Str};

use crate::context::{RequestContext, Staged};

pub(crate) async fn handle(
    _cx: RequestContext,
    request: CreateAclsRequest,
) -> Staged<CreateAclsResponse> {
    let has_unknown = request.creations.iter().any(|acl| {
        let kinds = [
            acl.resource_type,
            acl.resource_pattern_type,
            acl.operation,
            acl.permission_type,
        ];
        kinds.contains(&0)
    });
    // 0 stands for "unknown": Apache Kafka cannot even read such a request.
    if has_unknown {
        return Staged::Close;
    }
    let results = request.creations.iter().map(|_| AclCreationResult {
        error_code: ErrorCode::SecurityDisabled.code(),
        error_message: Some(Str::from_static("No Authorizer is configured.")),
    });
    Staged::Ready(CreateAclsResponse {
        results: results.collect(),
        ..CreateAclsResponse::default()
    })
}
