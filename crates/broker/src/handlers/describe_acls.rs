//! DescribeAcls (key 29): there is no authorizer, as in an Apache Kafka without one.

use mainstem_protocol::messages::{DescribeAclsRequest, DescribeAclsResponse};
use mainstem_protocol::{ErrorCode, Str};

use crate::context::{RequestContext, Staged};

pub(crate) async fn handle(
    _cx: RequestContext,
    request: DescribeAclsRequest,
) -> Staged<DescribeAclsResponse> {
    let kinds = [
        request.resource_type_filter,
        request.pattern_type_filter,
        request.operation,
        request.permission_type,
    ];
    // 0 stands for "unknown", which nobody may ask for: Apache Kafka cannot even read such a request.
    if kinds.contains(&0) {
        return Staged::Close;
    }
    Staged::Ready(DescribeAclsResponse {
        error_code: ErrorCode::SecurityDisabled.code(),
        error_message: Some(Str::from_static(
            "No Authorizer is configured on the broker",
        )),
        ..DescribeAclsResponse::default()
    })
}
