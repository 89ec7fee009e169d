//! DescribeClientQuotas (key 48): none is set, since none can be set yet. A filter that makes no sense is refused all the same (KIP-546).

use std::collections::BTreeSet;

use mainstem_protocol::messages::describe_client_quotas_request::ComponentData;
use mainstem_protocol::messages::{DescribeClientQuotasRequest, DescribeClientQuotasResponse};
use mainstem_protocol::{ErrorCode, Str};

use crate::context::{RequestContext, Staged};

pub(crate) async fn handle(
    _cx: RequestContext,
    request: DescribeClientQuotasRequest,
) -> Staged<DescribeClientQuotasResponse> {
    Staged::Ready(match check(&request.components) {
        Ok(()) => DescribeClientQuotasResponse {
            error_message: Some(Str::EMPTY),
            entries: Some(Vec::new()),
            ..DescribeClientQuotasResponse::default()
        },
        Err((code, message)) => DescribeClientQuotasResponse {
            error_code: code.code(),
            error_message: Some(Str::from(message)),
            entries: None,
            ..DescribeClientQuotasResponse::default()
        },
    })
}

fn check(components: &[ComponentData]) -> Result<(), (ErrorCode, String)> {
    let invalid = |what: String| Err((ErrorCode::InvalidRequest, what));
    let mut types = BTreeSet::new();
    for component in components {
        let entity_type = component.entity_type.as_str();
        if entity_type.is_empty() {
            return invalid("Invalid empty entity type.".to_owned());
        }
        if types.contains(entity_type) {
            return invalid(format!(
                "Entity type {entity_type} cannot appear more than once in the filter."
            ));
        }
        if !matches!(entity_type, "user" | "client-id" | "ip") {
            let what = format!("Unsupported entity type {entity_type}");
            return Err((ErrorCode::UnsupportedVersion, what));
        }
        let given = component.match_.is_some();
        let also = |what: &str| {
            invalid(format!(
                "Request specified MATCH_TYPE_{what}, but also specified a match string."
            ))
        };
        match component.match_type {
            0 if !given => {
                let what = "Request specified MATCH_TYPE_EXACT, but set match string to null.";
                return invalid(what.to_owned());
            }
            1 if given => return also("DEFAULT"),
            2 if given => return also("SPECIFIED"),
            0..=2 => {}
            other => return invalid(format!("Unknown match type {other}")),
        }
        types.insert(entity_type);
    }
    if types.len() > 1 && types.contains("ip") {
        let what = "Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.";
        return invalid(what.to_owned());
    }
    Ok(())
}
